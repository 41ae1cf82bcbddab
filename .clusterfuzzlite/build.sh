#!/usr/bin/env bash
# Builds the fuzz targets as ClusterFuzzLite and OSS-Fuzz want them: in $OUT, each with its
# options, seed corpus and dictionary. `compile` of their base image runs this with $SRC, $OUT,
# $WORK, $SANITIZER and the compilers' flags set; it also sets $RUSTFLAGS and
# $CUSTOM_LIBFUZZER_PATH (from $LIB_FUZZING_ENGINE), which cargo fuzz and libfuzzer-sys heed.
# `ci/clusterfuzzlite` tries it without a container.
set -euo pipefail
cd "$SRC/calliper"
. ci/targets.sh

# Plain code: the flags are for what is fuzzed.
RUSTFLAGS='' cargo run --locked -p calliper-fuzz --example seeds -- "$WORK/seeds"

# The sanitizer is address unless told otherwise, and `cargo` of the base image knows about coverage.
sanitizer=()
[ "$SANITIZER" != none ] || sanitizer=(-s none)

for target in "${targets[@]}"; do
    fuzz_options "$target"
    cargo fuzz build "${sanitizer[@]}" "${options[@]}" "$target"
    fuzz_binary "$target"
    # A coverage build is one of the default features, which leave the engines out.
    if [ "$SANITIZER" = coverage ] && [ ! -e "$binary" ]; then
        continue
    fi
    cp "$binary" "$OUT/$target"
    printf '[libfuzzer]\nmax_len = 4096\nlen_control = 0\ntimeout = 10\n' >"$OUT/$target.options"
    if [ -d "$WORK/seeds/$target" ]; then
        rm -f "$OUT/${target}_seed_corpus.zip"
        zip -q -j -r "$OUT/${target}_seed_corpus.zip" "$WORK/seeds/$target"
    fi
    if [ -e "$WORK/seeds/$target.dict" ]; then
        cp "$WORK/seeds/$target.dict" "$OUT/"
        echo "dict = $target.dict" >>"$OUT/$target.options"
    fi
done
