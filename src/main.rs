//! The `calliper` command, which is the library's [`run_command_line`](calliper::run_command_line)
//! with an allocator of its own.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> calliper::Exit {
    calliper::run_command_line()
}
