"""What tests of a judge behind an endpoint ask, and a server's refusals."""

KEY = "sk-secret-for-tests"
TEXTS = [f"rate text {i}" for i in range(12)]


def refused(status, message, **more):
    return status, {}, {"error": {"message": message, **more}}
