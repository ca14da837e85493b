# What other scripts source: environments of Python beside .venv.

# flags_for_once: CI imports a part of what it installs, which Python compiles then
flags_for_once() { [ "${CI:-}" != true ] || echo --no-compile; }

# make_environment FOLDER PYTHON REQUIREMENT...: the environment has these packages; does nothing where it has them.
make_environment() {
  local folder="$1" python="$2" made
  shift 2
  made="$("$python" -V) $*"
  [ "$(cat "$folder/made-from" 2>/dev/null || true)" != "$made" ] || return 0
  "$python" -m venv --clear "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check $(flags_for_once) "$@"
  # last, so that a broken installation is made again
  echo "$made" > "$folder/made-from"
}
