# Sourced by the scripts that run the program or what is built beside it, at the root of the tree.

# The fuzz crate beside the program, with the features that the program is built with by itself:
# other features would have the library, and perhaps the engines, compiled again.
beside=(--release --locked -p calliper-fuzz --features bodies,calliper/default)
built=${CARGO_TARGET_DIR:-target}/release
calliper=$built/calliper
