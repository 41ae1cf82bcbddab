# Sourced by the scripts that run the program or what is built beside it, at the root of the tree.

# All of the workspace in one selection of packages and features: another selection has other
# features in what engines depend on, and would have the engines compiled again.
build=(--release --locked --workspace --features calliper-fuzz/bodies)
built=${CARGO_TARGET_DIR:-target}/release
calliper=$built/calliper
