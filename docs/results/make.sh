#!/usr/bin/env bash
# Makes the figures and pages below docs/results, from the root of a checkout:
#
#     docs/results/make.sh                      # the theory, and the reports of the runs that lie there
#     QUICKSTART=runs/quickstart docs/results/make.sh                                  # and quickstart
#     INCEPTION=network.pb FACES=faces/ FLOWERS=photos/ docs/results/make.sh           # and disturb
#     RUN=runs/cifar10-ttur-seed0 docs/results/make.sh                                 # and nash
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
results=docs/results

ttur() { "$python" -m tf_ttur "$@"; }

# The pages show PNGs; the SVGs would only make the checkout larger.
ttur saddle --output $results/theory
for part in two-time-scale heavy-ball assumptions; do
  ttur theory $part --output $results/theory
done
rm -f $results/theory/*.svg

# Each folder with runs/ gets report.md with its figures and samples.
ttur curve $results/billion_word/runs/{ttur,orig} --against seconds --output $results/billion_word/curve.png
for runs in "$results"/*/runs; do
  [ -d "$runs" ] || continue
  folder=$(dirname "$runs")
  ttur report "$runs" --output "$folder"
  rm -f "$folder"/{table.csv,table.md,numbers.json,*.svg,*-seconds.png,strip-*.png}
  # One whole report shows what all of them look like. As report.html it would be the site's page of
  # report.md.
  if [ "$folder" = $results/cifar10-study ]; then
    mv "$folder/report.html" "$folder/whole-report.html"
  fi
  rm -f "$folder/report.html"
  sed -i 's/\.svg)/.png)/' "$folder/report.md"
done

if [ -n "${QUICKSTART:-}" ]; then
  ttur train --config quickstart --workdir "$QUICKSTART"
  ttur report "$QUICKSTART" --output "$QUICKSTART/report"
  cp "$QUICKSTART/report/samples-0.png" $results/quickstart/samples.png
fi
if [ -n "${INCEPTION:-}" ] && [ -n "${FLOWERS:-}" ]; then
  # The figure shows the flowers: credits.txt belongs to it.
  ttur disturb tfds:cifar10/train --count 2500 --mixed-in "$FLOWERS" --inception "$INCEPTION" \
    --output $results/disturb-cifar10
fi
if [ -n "${INCEPTION:-}" ] && [ -n "${FACES:-}" ]; then
  # Photographs of people are not shown.
  ttur disturb "$FACES" --mixed-in tfds:cifar10/train --example digits:16 --inception "$INCEPTION" \
    --output $results/disturb-faces64
fi
if [ -n "${RUN:-}" ]; then
  ttur nash "$RUN" --output $results/nash-cifar10 --batches 6 --count 2 --tolerance 0.01
fi
rm -f $results/*/disturb.{svg,jsonl} $results/nash-cifar10/nash.svg
