"""The scores table: one row for each reply, the same columns wherever it is written or read.

Standard library only; Arrow's own types come from `arrow_schema`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from idempotence.doses import DOSES as _DOSES
from idempotence.objectives import Start

if TYPE_CHECKING:
    import pyarrow as pa

TypeName = Literal["string", "int64", "float64"]


@dataclass(frozen=True)
class Column:
    """A column: its name, Arrow type, unit ("" without one) and meaning."""

    name: str
    type: TypeName
    unit: str
    meaning: str


POINTS = "points (0-100)"
TABLE = (
    Column("setting", "string", "", 'name of the setting; "initial" for the initial models'),
    Column("objective", "string", "", "what is trained; see the config"),
    Column(
        "start",
        "string",
        "",
        'weights that each cycle begins from: "base" for those of the initial model, '
        '"previous" for those of the last cycle',
    ),
    Column("model", "string", "", "name of the initial model in the config"),
    Column("trait", "string", "", "name of the trait that was seeded and is scored"),
    Column("seed", "int64", "", "number of the replicate; -1 for the initial models"),
    Column("cell", "string", "", 'name of the dose; "initial" for the initial models'),
    Column("level", "float64", POINTS, "cycle-0 trait score that n_seed is calibrated for"),
    Column("n_seed", "float64", "rows or pairs", "seed rows (dpo: pairs) that cycle 0 trained on"),
    Column("n_sampled", "float64", "rows", "sampled rows per later cycle (sft, sdf)"),
    Column("beta", "float64", "", "strength of DPO's pull towards the reference"),
    Column("pairs", "float64", "pairs", "preference pairs per later cycle (dpo)"),
    Column("cycle", "int64", "", "number of the cycle; 0 is the seeded model"),
    Column("question", "int64", "", "number of the evaluation prompt"),
    Column("sample", "int64", "", "number of the reply to that prompt"),
    Column("prompt", "string", "", "the evaluation prompt"),
    Column("response", "string", "", "the reply"),
    Column(
        "status",
        "string",
        "",
        '"ok"; "empty": a reply without text; "nan": the weights are not finite; "ended": the '
        "chain had ended before",
    ),
    Column("reason", "string", "", 'why the status is not "ok"; else empty'),
    Column("trait_score", "float64", POINTS, "how much of the trait the judge sees"),
    Column("coherence", "float64", POINTS, "how coherent the judge finds the reply"),
    Column("trait_missing", "string", "", "why there is no trait_score; else empty"),
    Column("coherence_missing", "string", "", "why there is no coherence; else empty"),
    Column(
        "trait_mass",
        "float64",
        "probability",
        "the judge's probability of any whole number 0-100 as its answer on the trait; missing "
        "where answers were sampled",
    ),
    Column("coherence_mass", "float64", "probability", "the same of its answer on coherence"),
    Column(
        "trait_top",
        "string",
        "JSON",
        "the likeliest first tokens of the judge's answer on the trait",
    ),
    Column("coherence_top", "string", "JSON", "the same of its answer on coherence"),
    Column("truth_trait", "float64", POINTS, "exact trait score; missing outside the micro world"),
    Column(
        "truth_coherence", "float64", POINTS, "exact coherence; missing outside the micro world"
    ),
    Column(
        "loglik_initial",
        "float64",
        "natural log per token",
        "mean log-likelihood of the reply under the initial model",
    ),
    Column(
        "loglik_own",
        "float64",
        "natural log per token",
        "the same under the model that wrote it; missing in audits",
    ),
)
COLUMNS = [column.name for column in TABLE]

DOSES = list(_DOSES)  # columns of a dose
PANEL = ["model", "trait", "seed"]  # within a setting: chains that share their seed rows
PANEL_CYCLE = ["setting", *PANEL, "cycle"]  # the rows of one file that the judge writes
CHAIN = ["setting", *PANEL, "cell"]
WITHIN_PANEL_CYCLE = ["cell", "question", "sample"]
ORDER = [*PANEL_CYCLE, *WITHIN_PANEL_CYCLE]  # of the rows of a study's file; no two are alike

CRITERIA = {"trait": "trait_score", "coherence": "coherence"}  # criterion -> its column of scores
TRUTH = {"trait": "truth_trait", "coherence": "truth_coherence"}  # criterion -> exact score
LIKELIHOODS = ["loglik_initial", "loglik_own"]
MASS = {"trait": "trait_mass", "coherence": "coherence_mass"}  # criterion -> mass on numbers

ALIVE = "ok"  # status while a chain still answers
EMPTY = "empty"
NO_JUDGE = "no judge"  # why a criterion has no score in an audit that asks for none
DEAD = ["nan", "ended"]  # status of the rows of a chain with no model left to answer

# columns that came after studies had been shipped: files without them are read
LATER = ["loglik_own"]

# objectives.Start, None for the initial model itself -> the word in the column "start"
STARTS: dict[Start | None, str] = {"initial": "base", "previous": "previous", None: "base"}


def arrow_schema() -> "pa.Schema":
    """The columns with Arrow's types, in the order of the file."""
    import pyarrow as pa

    types = {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64()}
    return pa.schema([(column.name, types[column.type]) for column in TABLE])
