# Sourced by the scripts that build and run fuzz targets, at the root of the tree.

# Those to run, unless $TARGETS names some.
read -r -a targets <<<"${TARGETS:-resolve execute text image bodies}"

# fuzz_options TARGET: sets `options` to what cargo fuzz needs besides a sanitizer.
fuzz_options() {
    case $1 in
    # Built in a minute or so, with debug assertions: arithmetic that overflows is a finding.
    resolve | text | image) options=() ;;
    # Engines compile modules for each new layout: three times as fast without debug
    # assertions and comparison tracing in them. One set of features, so that they are built once.
    execute | bodies) options=(-O --no-trace-compares --features bodies) ;;
    *)
        echo "no target $1; there are: resolve execute text image bodies" >&2
        return 2
        ;;
    esac
}

# libfuzzer_options TARGET SEEDS: sets `options` to what the built target is run with. What
# `ci/seeds` writes is in SEEDS.
libfuzzer_options() {
    # Inputs may be long at once: a layout and its first script take some hundred bytes.
    options=(-timeout=10 -len_control=0 -max_len=4096 -print_final_stats=1)
    [ "$1" != text ] || options+=(-dict="$2/text.dict")
}

# build_target TARGET: builds it without sanitizer, so that the stable compiler will do: all code
# is safe Rust. Sets `binary` to it.
build_target() {
    fuzz_options "$1"
    case $1 in
    execute | bodies) build_beside "$1" ;;
    *)
        ensure_cargo_fuzz
        cargo fuzz build -s none "${options[@]}" "$1"
        fuzz_binary "$1"
        ;;
    esac
}

# build_beside TARGET: builds it with the engines that the program has, which are not instrumented.
build_beside() {
    . ci/program.sh
    RUSTC_WORKSPACE_WRAPPER=$PWD/ci/instrument cargo build "${beside[@]}" --bin "$1"
    # A build that is not for fuzzing has the same place.
    mkdir -p "$built/instrumented"
    cp "$built/$1" "$built/instrumented/$1"
    binary=$built/instrumented/$1
}

ensure_cargo_fuzz() {
    if ! cargo fuzz --version 2>/dev/null | grep -q ' 0\.13\.'; then
        cargo install cargo-fuzz --locked --version 0.13.2
    fi
}

# fuzz_binary TARGET: sets `binary` to where cargo fuzz leaves it.
fuzz_binary() {
    binary=${CARGO_TARGET_DIR:-target}/$(rustc -vV | sed -n 's/^host: //p')/release/$1
}
