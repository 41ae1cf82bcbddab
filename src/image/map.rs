//! Where things lie in linear memory.
//!
//! The order is that of a published browser build: a null page, static data,
//! the shadow stack, and far above any table index the loader heap, so that a
//! portable entry point's address can never pass for a table index.

use super::HOST_SLOTS;
use crate::abi::vm;
use crate::scenario::{Action, Layout, Signature, meaning};

/// Below this, nothing: Emscripten's `GLOBAL_BASE`. Reads give zero.
pub const STATIC_DATA: u32 = 0x400;
/// The modelled thread: +0 GC mode (0 preemptive, 1 cooperative).
pub const THREAD: u32 = 0x1a00;
/// Function-pointer variables of the script, a word each.
pub const VARIABLES: u32 = 0x1a40;
/// Bytes of guard on each side of everything that a callee is handed.
pub const GUARD_SIZE: u32 = 32;
/// What guard bytes hold.
pub const GUARD: u8 = 0xfd;
/// The function-pointer word in front of a call frame's arguments.
pub const FRAME_ARGUMENTS: u32 = 16;
/// The loader heap never starts lower.
const MIN_HEAP: u32 = 0x1_0000;
const PAGE: u32 = 0x1_0000;

/// The addresses that depend on the layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryMap {
    /// Lowest byte of the shadow stack, above its guard.
    pub stack_bottom: u32,
    /// `__stack_pointer` at the start: the highest byte is below this.
    pub stack_top: u32,
    /// The current call's frame: function pointer, then at
    /// [`FRAME_ARGUMENTS`] the argument bytes as `meaning` lays them out.
    pub frame: u32,
    /// Bytes of a frame.
    pub frame_size: u32,
    /// The current call's result buffer.
    pub result: u32,
    /// Bytes of the result buffer.
    pub result_size: u32,
    /// The interpreter's own stack of 8-byte slots.
    pub interpreter_stack: u32,
    /// Bytes of the interpreter's stack.
    pub interpreter_stack_size: u32,
    /// First byte of the loader heap, which goes on to the end of memory.
    pub heap: u32,
    /// Bytes of memory, whole pages.
    pub end: u32,
}

impl MemoryMap {
    /// Lays out memory for a layout whose images take `payload_bytes` together.
    pub fn new(layout: &Layout, payload_bytes: u32) -> Self {
        let signatures = || signatures(layout);
        let arguments = signatures().map(|s| meaning::arguments_size(layout, s)).max().unwrap_or(0);
        let slots = signatures().map(|s| vm::argument_slots(layout, s).1).max().unwrap_or(0);
        let result = signatures()
            .filter_map(|s| s.ret.map(|ty| meaning::padded_size(layout, ty)))
            .max()
            .unwrap_or(0)
            .max(8);

        // A chain of caller, import thunk, I-thunk, M-thunk and body each keeps
        // a copy of the arguments; small programs get room to nest besides.
        let widest = (arguments + slots + result + 256).next_multiple_of(16);
        let stack_size = (8 * widest).max(0x1000);
        let stack_bottom = 0x2000 + GUARD_SIZE;
        let stack_top = (stack_bottom + stack_size).next_multiple_of(16);
        let frame = stack_top + 2 * GUARD_SIZE;
        let frame_size = FRAME_ARGUMENTS + arguments;
        let result_at = (frame + frame_size).next_multiple_of(16) + GUARD_SIZE;
        let interpreter_stack = (result_at + result).next_multiple_of(16) + GUARD_SIZE;
        let interpreter_stack_size = 4 * (slots + result + 32);
        let heap = (interpreter_stack + interpreter_stack_size + GUARD_SIZE).next_multiple_of(16);
        let heap = heap.max(MIN_HEAP);
        let heap_size = 0x400 + layout.methods.len() as u32 * 256 + payload_bytes;
        Self {
            stack_bottom,
            stack_top,
            frame,
            frame_size,
            result: result_at,
            result_size: result,
            interpreter_stack,
            interpreter_stack_size,
            heap,
            end: (heap + heap_size).next_multiple_of(PAGE),
        }
    }

    /// Memory before anything runs.
    pub fn initial_memory(&self) -> Vec<u8> {
        let mut memory = vec![0; self.end as usize];
        // What a published build keeps at addresses as small as a table index
        // is text and tables: words that are neither zero nor small.
        let text = b"System.Private.CoreLib portable entry point has no native code; ";
        for (i, byte) in memory[STATIC_DATA as usize..THREAD as usize].iter_mut().enumerate() {
            *byte = text[i % text.len()];
        }
        for (start, end) in self.guards() {
            memory[start as usize..end as usize].fill(GUARD);
        }
        memory
    }

    /// Ranges that nothing may ever write to.
    pub fn guards(&self) -> [(u32, u32); 5] {
        [
            (self.stack_bottom - GUARD_SIZE, self.stack_bottom),
            (self.stack_top, self.frame),
            (self.frame + self.frame_size, self.result),
            (self.result + self.result_size, self.interpreter_stack),
            (
                self.interpreter_stack + self.interpreter_stack_size,
                self.interpreter_stack + self.interpreter_stack_size + GUARD_SIZE,
            ),
        ]
    }
}

/// Every signature that a call can have.
fn signatures(layout: &Layout) -> impl Iterator<Item = &Signature> {
    let sites = layout.sites.iter().filter_map(|site| match &site.action {
        Action::ManagedCalli(s) | Action::UnmanagedCalli(s) => Some(s),
        Action::Direct { .. } | Action::Ldftn(_) => None,
    });
    layout.methods.iter().map(|m| &m.signature).chain(sites)
}

const _: () = assert!(MIN_HEAP > 8 * HOST_SLOTS, "a heap address must not look like a table index");
const _: () = assert!(STATIC_DATA < HOST_SLOTS && HOST_SLOTS < THREAD);
