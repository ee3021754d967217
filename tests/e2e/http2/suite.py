#!/usr/bin/python3
"""The suite against a server that runs already: suite.py --host HOST --port PORT [PART]...

Every case is named by the section whose MUST it looks at. See site_h2.py for what the server must
have; `run` starts one of its own.
"""
import argparse
import os
import pathlib
import sys

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options, rest = parser.parse_known_args()
    os.environ["SELVEDGE_H2"] = f"{options.host}:{options.port}"
    sys.argv[1:] = rest
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
    import run

    run.main(__file__)
