#!/usr/bin/env bash
# Everything that must hold besides the tests. Needs the Rust toolchain (with rustfmt and clippy) and bash.
# Each step says what it does and how long it took; the first one that fails ends the run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

format() { cargo fmt --check; }

lint() { cargo clippy --all-targets --all-features -- -D warnings; }

doc_tests() { cargo test --doc --all-features; }

docs() { RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --all-features; }

# The names under [features] in Cargo.toml, one a line, without "default".
features() {
    sed -n '/^\[features\]/,/^\[/s/^\([A-Za-z0-9_-]\{1,\}\)[[:space:]]*=.*/\1/p' Cargo.toml | grep -vx default || true
}

each_feature_alone() {
    cargo check --no-default-features --lib --tests
    local feature
    for feature in $(features); do
        echo "-- feature $feature alone"
        cargo check --no-default-features --features "$feature"
    done
}

# A program with a panic handler of its own, which rustc refuses if anything below it links std; and its tests.
without_std() {
    local package=tests/no_std/Cargo.toml folder=${CARGO_TARGET_DIR:-target}/no_std
    cargo build --locked --manifest-path "$package" --target-dir "$folder"
    cargo test --locked --manifest-path "$package" --target-dir "$folder"
}

# The names of the programs in examples/, one a line: NAME.rs or NAME/main.rs.
examples() {
    local path
    for path in examples/*.rs examples/*/main.rs; do
        [[ -e $path ]] || continue
        path=${path%/main.rs}
        basename "$path" .rs
    done
}

run_examples() {
    local names name
    names=$(examples)
    if [[ -z $names ]]; then
        echo "no examples yet"
        return
    fi
    for name in $names; do
        echo "-- example $name"
        cargo run --release --quiet --all-features --example "$name" </dev/null
    done
}

# The README's first command; it ends in an error if anything is not as it should be.
run_demo() {
    local said
    said=$(cargo run --release --quiet --all-features -- demo)
    echo "$said"
    [[ ${said##*$'\n'} == "verify: ok" ]]
}

# A build whose rkyv has another layout reads its own logs, and no other's.
layouts() {
    local at feature
    at=$(mktemp -d)
    run() { cargo run --quiet --locked --manifest-path tests/layouts/Cargo.toml --target-dir target/layouts "$@"; }
    run -- own "$at/plain"
    for feature in big_endian unaligned pointer_width_16 pointer_width_64; do
        echo "-- rkyv/$feature"
        run --features "$feature" -- own "$at/$feature"
        run --features "$feature" -- foreign "$at/plain"
    done
    for feature in big_endian unaligned pointer_width_16 pointer_width_64; do
        run -- foreign "$at/$feature"
    done
    rm -r "$at"
}

# How many other crates a program links with this one: `linked OPTIONS..`, macros not counted.
linked() { cargo tree --edges normal,no-proc-macro --prefix none "$@" | cut -d' ' -f1,2 | sort -u | grep -vc '^backstory '; }

few_dependencies() {
    local alone default
    alone=$(linked --no-default-features)
    default=$(linked)
    echo "the collections link $alone crates, at most 6; with the log they are $default, at most 25"
    ((alone <= 6 && default <= 25))
}

# In the profile of the tests, whose library is built already.
benches_compile() { cargo test --benches --no-run --all-features; }

step() {
    local name=$1 start=$SECONDS
    echo "== $name"
    # Not in a condition: there `set -e` would not hold.
    "$name"
    echo "== $name: ok, $((SECONDS - start)) s"
}

trap 'code=$?; [[ $code == 0 ]] || echo "== check.sh: FAILED in the step above (exit $code)" >&2' EXIT

step format
step lint
step doc_tests
step docs
step each_feature_alone
step without_std
step run_examples
step run_demo
step few_dependencies
step layouts
step benches_compile
echo "== check.sh: all ok, $SECONDS s"
