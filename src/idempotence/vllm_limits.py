"""What vLLM (0.32) can do, for the checks before any job and for the engine."""

# the room for adapters is one of these; an adapter may have any rank up to it
LORA_ROOM = (1, 8, 16, 32, 64, 128, 256, 320, 512)
MAX_RANK = LORA_ROOM[-1]
# of Qwen3, Llama and models of their kind; all-linear are all of these
LORA_MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
MIN_TEMPERATURE = 0.01  # anything between 0 and this is quietly raised to it
MAX_TOP_LOGPROBS = 100


def room_for(rank: int) -> int:
    """The smallest room that holds adapters of a rank up to `MAX_RANK`."""
    return min(room for room in LORA_ROOM if room >= rank)
