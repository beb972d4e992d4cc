#!/usr/bin/env bash
# Everything that is measured of one base model with and without a voice, one command, then a table:
#
#   benchmarks/voice_report.sh qwen2.5-coder-0.5b-instruct-q4_k_m.gguf voices/xiyou-qwen2.5-coder-0.5b.gguf
#   benchmarks/voice_report.sh models/xiyou-mini.gguf                  a model that was taught itself
#
# Columns: told (whole cards, rules) · told-brief (one line a card) · haruhi (ChatHaruhi's prompt: the
# character's own lines from the book) · taught (the adapter, served as it was taught) · taught-name (names
# for cards). Besides: identity of all nine in both languages, who says a line of the book, twenty evenings,
# and 30 transcripts side by side. Stopped at any moment, the same command goes on: what is done is not done
# again, half a report is taken up where it was. Reports of others (the mini, another size): MORE="DIR DIR".
#
#   OUT        where all of it lies              (build/voice-report/NAME of the model)
#   CANON      what `mrp canon build` wrote      (build/canon)
#   LESSONS    training lessons, for "by heart"  (build/lessons/train.jsonl, if there)
#   HELD_OUT   held-out lessons                  (build/lessons/held_out.jsonl, if there)
#   JUDGE      a GGUF that is not the subject: how much likelier a reply is after its own talk
#   FULL=1     the whole exam instead of a quarter
#   SAMPLES    introductions a character (20)    BOOK_LINES   lines of the book for who says them (60)
#   THREADS    of the processor (all cores; 1 where the machine does other work)
#   ONLY       of these steps only, e.g. ONLY="taught identity"
#   MRP        the command (.venv/bin/mrp)
set -euo pipefail
[ $# -ge 1 ] && [ -f "$1" ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d'; exit 2; }

model=$1 voice=${2:-}
[ -z "$voice" ] || [ -f "$voice" ] || { echo "there is no adapter $voice"; exit 2; }
name=$(basename "$model" .gguf)
out=${OUT:-build/voice-report/$name}
canon=${CANON:-build/canon}
lessons=${LESSONS:-build/lessons/train.jsonl}
held_out=${HELD_OUT:-build/lessons/held_out.jsonl}
mrp=${MRP:-.venv/bin/mrp}
mkdir -p "$out"

threads=()
[ -z "${THREADS:-}" ] || threads=(--threads "$THREADS")
exam=(--canon "$canon" --resume)
[ -n "${FULL:-}" ] || exam+=(--quick)
[ ! -f "$lessons" ] || exam+=(--training "$lessons")
if [ -n "${JUDGE:-}" ]; then
    exam+=(--relevance "$JUDGE")
    [ ! -f "$held_out" ] || exam+=(--written "$held_out")
fi
adapter=()
[ -z "$voice" ] || adapter=(--voice "$voice")

wanted() { [ -z "${ONLY:-}" ] || [[ " $ONLY " == *" $1 "* ]]; }
# step NAME RESULT COMMAND…: once, and said with its seconds.
step() {
    local what=$1 result=$2 began=$SECONDS
    shift 2
    wanted "$what" || return 0
    if [ -e "$result" ]; then echo "$what: there already ($result)"; return 0; fi
    "$@"
    echo "$what: $((SECONDS - began)) s"
}
report() { # NAME OPTIONS…
    local what=$1
    shift
    step "$what" "$out/$what/report.json" \
        "$mrp" evaluate report "$model" -o "$out/$what" --name "$what" "${exam[@]}" "${threads[@]}" "$@"
}
# json NAME COMMAND…: the last line of what it prints, a JSON object, becomes NAME.json.
json() {
    local what=$1
    shift
    step "${what%%-*}" "$out/$what.json" keep "$out/$what.json" "$@"
}
keep() {
    local file=$1
    shift
    "$@" --json >"$file.out"
    tail -1 "$file.out" >"$file.new"
    mv "$file.new" "$file"
    rm "$file.out"
}

columns=(taught)
report taught "${adapter[@]}"
if [ -n "$voice" ]; then
    columns=(told told-brief haruhi taught taught-name)
    report taught-name "${adapter[@]}" --cards name
    report told
    report told-brief --cards brief
    report haruhi --prompt haruhi
fi

about=(--characters all --samples "${SAMPLES:-20}")
for language in zh en; do
    json "identity-taught-$language" "$mrp" evaluate identity --model "$model" "${adapter[@]}" \
        "${about[@]}" --language "$language"
done
json speaker-taught "$mrp" evaluate speaker --model "$model" "${adapter[@]}" --canon "$canon" \
    --most "${BOOK_LINES:-60}"
step evenings "$out/evenings/evenings.json" \
    "$mrp" evaluate evenings --model "$model" "${adapter[@]}" -o "$out/evenings" --resume
if [ -n "$voice" ]; then
    json speaker-told "$mrp" evaluate speaker --model "$model" --canon "$canon" --most "${BOOK_LINES:-60}"
    json identity-told-zh "$mrp" evaluate identity --model "$model" "${about[@]}"
    step transcripts "$out/transcripts.md" "$mrp" evaluate transcripts --model "$model" \
        --voice "$voice" -o "$out/transcripts.md" "${threads[@]}"
fi

there=()
for column in "${columns[@]}"; do
    [ ! -f "$out/$column/report.json" ] || there+=("$out/$column")
done
# shellcheck disable=SC2206  # names of folders, with blanks between
there+=(${MORE:-})
if [ ${#there[@]} -ge 2 ]; then
    "$mrp" evaluate compare "${there[@]}" -o "$out/compare.html" --table "$out/table.md" >"$out/compare.txt"
    cat "$out/table.md"
fi
for file in "$out"/identity-*.json "$out"/speaker-*.json; do
    [ ! -f "$file" ] || echo "$(basename "$file" .json): $("${PYTHON:-$(dirname "$mrp")/python}" -c '
import json, sys
told = json.load(open(sys.argv[1], encoding="utf-8"))
whose = told.get("characters") or {}
parts = [f"{name} {shares['"'right'"']:.2f}" for name, shares in whose.items()]
print(told.get("right", told.get("accuracy")), told.get("interval", ""), *parts)' "$file")"
done
