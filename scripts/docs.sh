#!/usr/bin/env bash
# Builds the documentation site in data/site/site; --serve shows it at http://localhost:8000, --to FOLDER builds it elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
exec .venv/bin/python scripts/docs.py "$@"
