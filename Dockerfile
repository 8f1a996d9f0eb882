# The workflow with everything that the locks name; docs/changing.md says how to use it.
FROM python:3.11-slim
WORKDIR /study
COPY requirements.txt requirements-torch.txt ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements.txt -r requirements-torch.txt \
    && pip check
COPY . .
ENV PYTHONPATH=/study/src
ENTRYPOINT ["snakemake"]
CMD ["--cores", "all", "--logger", "study"]
