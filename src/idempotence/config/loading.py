"""The keys of every model that a job loads, to start from or as judge, generator or observer."""

from typing import Literal

from pydantic import Field

Dtype = Literal["float32", "bfloat16"]

REVISION = Field(
    None, description="Commit of a hub model: needed for hub names, refused for anything else."
)
DTYPE: Dtype = Field("float32", description="Weights in memory.")
PARAMETERS = Field(
    None, description="Number of weights, for `snakemake plan`; null: as in a local folder's files."
)
GPUS = Field(0, description="GPUs that a job with this model takes; 0: the CPU.")
MEMORY = Field(
    4000, description="Main memory (MB) that a job with this model requests on a cluster."
)
