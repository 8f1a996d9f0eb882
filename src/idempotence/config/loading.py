"""The keys of every model that a job loads, to start from or as judge, generator or observer."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, StringConstraints

from idempotence.config.values import VARIABLE_NAME

Dtype = Literal["float32", "bfloat16"]

REVISION = Field(
    None, description="Commit of a hub model: needed for hub names, refused for anything else."
)
DTYPE: Dtype = Field("float32", description="Weights in memory.")
PARAMETERS = Field(
    None, description="Number of weights, for `snakemake plan`; null: as in a local folder's files."
)
TemplateValues = dict[
    Annotated[str, StringConstraints(strict=True, pattern=VARIABLE_NAME)],
    StrictBool | StrictInt | StrictFloat | StrictStr,
]
TEMPLATE_VALUES: TemplateValues = Field(
    {},
    json_schema_extra={"additionalProperties": False},
    description="Variables of the model's chat template, such as date_string: 26 Jul 2024.",
)
GPUS = Field(0, description="GPUs that a job with this model takes; 0: the CPU.")
MEMORY = Field(
    4000, description="Main memory (MB) that a job with this model requests on a cluster."
)
