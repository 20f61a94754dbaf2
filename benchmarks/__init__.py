"""polydriver beside bare HTTP clients, the `openai` SDK and LiteLLM: CPU time, memory and start-up.

`python -m benchmarks` prints the tables; README.md says how to read them. Only the standard library is
imported here: what is measured lives in an environment of its own.
"""
