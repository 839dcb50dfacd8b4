#!/usr/bin/env bash
# A report's trainings on another machine that has an accelerator and JAX, and nothing of digitkit and no network.
#   pack                  here: put the committed code, MNIST and the packages of tools/carry.txt into carry/
#   run SECONDS OUT       there: the report of PROFILE for at most so long; what came out goes to OUT in pieces of 15 MB
#   fetch OUT             here: put what came out into reports/
#   all HOST SECONDS      all of it over ssh, in one command
# PROFILE is by default record. The machine's Python is the command PYTHON, by default python3, of version THERE, by
# default 3.12, on x86_64 Linux.
set -euo pipefail
cd "$(dirname "$0")/.."
PROFILE=${PROFILE:-record} PYTHON=${PYTHON:-python3}

pack() {
  if [ -n "$(git status --porcelain -- . ':!reports')" ]; then echo "commit first: a run says which revision made it" >&2; exit 2; fi
  rm -rf carry && mkdir -p carry/wheels
  git clone --quiet --bare --depth 1 "file://$PWD" carry/project.git
  cp "${DIGITKIT_MNIST:-data/mnist.npz}" carry/mnist.npz
  local platforms=(--platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64)
  .venv/bin/pip download --quiet --no-deps --only-binary=:all: --python-version "${THERE:-3.12}" "${platforms[@]}" \
    --constraint requirements.lock --requirement tools/carry.txt --dest carry/wheels
  for kept in reports/"$PROFILE"/*/seed*; do  # a run that was stopped goes on from its checkpoint
    if [ -d "$kept" ]; then tar -rf carry/reports.tar "$kept"; fi
  done
  cp tools/accelerator.sh carry/run.sh
  echo "carry/: $(du -sh carry | cut -f1)"
}

run() {
  local limit=$1 out=$2
  local carry=$PWD/carry
  mkdir -p "$out" site && out=$(cd "$out" && pwd)
  rm -f "$out"/reports.tar.*  # pieces of an earlier sitting would end this one's
  if [ ! -d project ]; then
    git clone --quiet "$carry/project.git" project
    "$PYTHON" -m pip install --quiet --no-index --no-deps --target site "$carry"/wheels/*.whl
    if [ -f "$carry/reports.tar" ]; then tar -xf "$carry/reports.tar" -C project; fi
  fi
  export PYTHONPATH=$PWD/project:$PWD/site DIGITKIT_MNIST=$carry/mnist.npz PYTHONHASHSEED=0
  export KERAS_BACKEND=${KERAS_BACKEND:-jax} XLA_PYTHON_CLIENT_PREALLOCATE=false JAX_COMPILATION_CACHE_DIR=$PWD/compiled
  export JUPYTER_PATH=$PWD/site/share/jupyter
  cd project
  timeout --signal=INT --kill-after=20 "$limit" \
    "$PYTHON" -c 'from digitkit.cli import main; main()' report --profile "$PROFILE" 2>&1 | tee "$out/log.txt" || true
  tar -cf - "reports/$PROFILE" | split -b 15M - "$out/reports.tar."
  ls -l "$out"
}

fetch() { cat "$1"/reports.tar.* | tar -xf -; }

all() {
  local host=$1 limit=$2
  pack
  ssh "$host" 'rm -rf digitkit-carry && mkdir digitkit-carry'  # the code of now; runs that are not finished are in carry/
  tar -cf - carry | ssh "$host" 'tar -xf - -C digitkit-carry'
  ssh "$host" "cd digitkit-carry && PROFILE=$PROFILE PYTHON=$PYTHON bash carry/run.sh run $limit out"
  rm -rf carry/out && mkdir -p carry/out
  ssh "$host" 'tar -cf - -C digitkit-carry/out .' | tar -xf - -C carry/out
  fetch carry/out
}

"$@"
