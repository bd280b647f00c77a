#!/usr/bin/env bash
# What this machine's GPU does with our training: documents apart on CUDA, then speed, MFU and memory of random models in the shape of
# 1 and 8 billion parameters, packed against padded, with and without compile. Prints a table for benches/LOG.md.
# Says so and stops (exit code 2) where there is no GPU. About ten minutes; nothing is downloaded.
#
#   train/runs/gpu_check.sh [--shapes 1b,8b] [--length 4096] [--steps 8]
set -euo pipefail
cd "$(dirname "$0")/../.."
exec "${PYTHON:-python}" train/runs/gpu_check.py "$@"
