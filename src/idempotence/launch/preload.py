"""What the server imports before it forks jobs, and under which conditions.

Third-party modules only: an edit of the project is seen by the next job. Nothing may be computed
and no thread started, so that forking is safe. An entry is a module, `module:name,name` where
a library loads names only at their first use, or `module:function(argument)` to call one.
"""

import os
import sys

from idempotence.environment_names import WARM_PRELOAD

TRAINING = (
    "yaml pandas pyarrow.parquet torch tokenizers datasets"
    " transformers:AutoConfig,AutoModelForCausalLM,AutoTokenizer"
    " transformers.models.llama.modeling_llama"
    # 0.2 s of regular expressions, compiled once per process when a model is loaded
    " transformers.conversion_mapping:get_checkpoint_conversion_mapping(llama)"
    " peft:LoraConfig,PeftModel,get_peft_model peft.utils.transformers_weight_conversion"
    " trl:DPOConfig,DPOTrainer,SFTConfig,SFTTrainer"
)
ANALYSIS = (
    "yaml pydantic:BaseModel,ConfigDict,Field pandas pyarrow.parquet pyarrow.compute"
    " scipy.stats scipy.optimize statsmodels.api statsmodels.stats.proportion"
    " statsmodels.stats.multitest jinja2 seaborn matplotlib.figure"
    " matplotlib.backends.backend_agg matplotlib.backends.backend_pdf"
    " matplotlib.backends.backend_svg"
)
THREADS = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # pyarrow's allocator would start a thread while it is imported: no fork would be safe
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
# Beginnings of variables that libraries read while they are imported: jobs that differ here share
# no server.
# fmt: off
READ_AT_IMPORT = (
    "ACCELERATE_", "BITSANDBYTES_", "CUDA_", "DATASETS_", "DO_NOT_TRACK", "HF_", "HIP_", "HOME",
    "HUGGINGFACE_", "LANG", "LC_", "LD_", "MPL", "NVIDIA_", "PEFT_", "PYTHON", "PYTORCH_", "ROCR_",
    "SLURM_JOB_ID", "TORCH", "TRANSFORMERS_", "TRL_", "USE_", "XDG_",
)
# fmt: on


def entries() -> list[str]:
    """What this process's environment asks for."""
    return os.environ.get(WARM_PRELOAD, TRAINING).split()


def load() -> dict[str, str]:
    """Import all entries; returns the variables that importing set, which a cold job has as well.

    A module that is not there, or cannot be imported, is left to the job to miss. Raises any other
    error: a wrong name is a mistake in the list.
    """
    import gc
    import importlib

    if not sys.flags.safe_path:
        del sys.path[0]  # the folder that the first client happened to be in
    os.chdir("/")
    before = dict(os.environ)
    for entry in entries():
        module, _, names = entry.partition(":")
        try:
            loaded = importlib.import_module(module)
            for name in filter(None, names.split(",")):
                name, _, argument = name.partition("(")
                value = getattr(loaded, name)
                if argument:
                    value(argument.removesuffix(")"))
        except ImportError as error:
            print(f"not preloaded: {entry}: {error}", flush=True)
    set_by_imports = {k: v for k, v in os.environ.items() if before.get(k) != v}
    _look_up_packages_once()
    _shorten_ends()
    gc.collect()
    gc.freeze()  # jobs neither scan nor, by counting references, copy these pages
    return set_by_imports


def _look_up_packages_once() -> None:
    """Look once whether a package is there; accelerate looks 37 times per trainer."""
    import functools

    imports = sys.modules.get("accelerate.utils.imports")
    # a private name: without it the files are read again
    if imports and hasattr(imports, "_is_package_available"):
        imports._is_package_available = functools.cache(  # type: ignore[attr-defined]
            imports._is_package_available
        )


def _shorten_ends() -> None:
    """Leave out of a job's end what only takes torch apart: 80 ms."""
    import atexit
    import weakref

    dynamo = sys.modules.get("torch._dynamo.utils")
    if dynamo and hasattr(dynamo, "dump_compile_times"):
        atexit.unregister(dynamo.dump_compile_times)
    # a private name: a Python without it has long ends, and no wrong ones
    for finalizer in list(getattr(weakref.finalize, "_registry", ())):
        alive = finalizer.peek()
        if alive and alive[1].__module__ == "torch.library":
            finalizer.atexit = False
