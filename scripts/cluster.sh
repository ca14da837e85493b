#!/usr/bin/env bash
# A standalone Spark cluster on this machine: bash scripts/cluster.sh start|stop
# One master (spark://127.0.0.1:7077, UI on 8080) and two workers of 2 cores and 3 GB, on loopback, from pyspark's jars.
# The workers have a host each, 127.0.0.1 and 127.0.0.2, as Spark starts a task a second time on another host only.
# Workers run data/cluster/env, a Python with what workers import and without spark_balance: jobs must bring that.
# PYTHON=data/versions/3.5/bin/python (of scripts/versions.sh --make 3.5) is a cluster of that Spark, whose workers have its
# numpy, pandas and pyarrow. Jobs are to be submitted by the same Python.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
folder=data/cluster
python="${PYTHON:-.venv/bin/python}"

stop() {
  for pid in $(cat $folder/pids 2>/dev/null || true); do
    kill "$pid" 2>/dev/null || true
  done
  rm -f $folder/pids
}

start() {
  if [ -e $folder/pids ]; then
    echo "cluster: $folder/pids is there, so one may be running; stop it first: bash scripts/cluster.sh stop" >&2
    exit 2
  fi
  [ -n "${PYTHON:-}" ] || [ -x "$python" ] || bash scripts/setup.sh
  rm -rf $folder/work-* $folder/logs
  mkdir -p $folder/logs
  local pins
  pins="$("$python" -c '
from importlib.metadata import version
for name in ("numpy", "pandas", "pyarrow", "threadpoolctl", "lazy-loader"): print(f"{name}=={version(name)}")')"
  make_environment $folder/env "$python" $pins
  # workers hand their environment on to executors
  unset PYTHONPATH PYSPARK_PYTHON SPARK_REMOTE
  export SPARK_LOCAL_IP=127.0.0.1 SPARK_HOME
  SPARK_HOME="$("$python" -c 'import pyspark; print(*pyspark.__path__)')"
  spawn master Master --host 127.0.0.1 --port 7077 --webui-port 8080
  for one in 1 2; do
    export SPARK_LOCAL_IP=127.0.0.$one
    spawn worker-$one Worker spark://127.0.0.1:7077 --host "$SPARK_LOCAL_IP" --cores 2 --memory 3g \
      --work-dir "$PWD/$folder/work-$one" --webui-port $((8080 + one))
  done
  # a minute or more on a busy machine
  for _ in $(seq 240); do
    [ "$(grep -c 'Registering worker' $folder/logs/master.log || true)" = 2 ] && return
    sleep 0.5
  done
  echo "cluster: two workers did not come within 120 s; see $folder/logs" >&2
  stop
  exit 1
}

spawn() { # name, class, its words
  local name="$1" class="$2"
  shift 2
  setsid "$SPARK_HOME/bin/spark-class" "org.apache.spark.deploy.${class,,}.$class" "$@" > $folder/logs/"$name".log 2>&1 &
  echo $! >> $folder/pids
}

case "${1:-}" in
  start) start ;;
  stop) stop ;;
  *) echo "cluster: '${1:-}' is not known; use start or stop" >&2; exit 2 ;;
esac
