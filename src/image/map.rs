//! Where things lie in linear memory.
//!
//! The order is that of a published browser build: a null page, static data,
//! the shadow stack, and far above any table index the loader heap, so that a
//! portable entry point's address can never pass for a table index.

use super::HOST_SLOTS;
use super::delegate::DELEGATE_SIZE;
use super::helpers::Helper;
use super::pep::{
    BYTE_CODE_SIZE, CHUNK_SIZE, CLOSED_STATIC_SIZE, CODE_DATA_SIZE, METHOD_DESC_SIZE, PEP_GUARD,
    PEP_SIZE, virtual_dispatch_entry,
};
use super::words::Address;
use crate::abi::vm;
use crate::scenario::{Layout, MAX_DEPTH, MAX_ITEMS, Signature, meaning};

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
/// What everything in the loader heap is aligned to, in bytes.
pub const HEAP_ALIGNMENT: u32 = 16;
/// The most bytes of loader heap that an image takes besides its payload: its module pointer, and
/// what alignment loses.
pub(super) const IMAGE_OVERHEAD: u32 = 64;
/// The loader heap never starts lower.
const MIN_HEAP: u32 = 0x8000;
const PAGE: u32 = 0x1_0000;

/// Bytes of loader heap that a structure of this size takes.
const fn taken(size: u32) -> u32 {
    size.next_multiple_of(HEAP_ALIGNMENT)
}

/// A method or a stub: MethodDesc, code data, entry point with its guard, byte code.
const CALLEE: u32 = taken(CHUNK_SIZE + METHOD_DESC_SIZE)
    + taken(CODE_DATA_SIZE)
    + taken(PEP_SIZE + PEP_GUARD)
    + taken(BYTE_CODE_SIZE);
/// A method and the stubs that it may have: an instantiating, an unboxing and a shuffle stub.
const CALLEES_OF_A_METHOD: u32 = 4 * CALLEE;
/// The entry points that V-thunks and delegates closed over a static method have for a method: one
/// of each in so many images.
const THUNK_ENTRIES_OF_A_METHOD: u32 =
    8 * (taken(virtual_dispatch_entry::SIZE) + taken(CLOSED_STATIC_SIZE));
/// A call site: more of a V-thunk's entry points, for programs of many images.
const SITE: u32 = 4 * taken(virtual_dispatch_entry::SIZE);
/// A class: its MethodTable with the pointer to its slots, and what alignment loses.
const CLASS: u32 = 64;
/// A delegate in each variable of the script.
const DELEGATES: u32 = MAX_ITEMS as u32 * taken(DELEGATE_SIZE);
/// The entry points of the JIT's helpers, and room that is left over.
const HELPERS: u32 = Helper::JIT.len() as u32 * taken(PEP_SIZE) + 0x7a0;

/// Bytes of loader heap that a layout can come to need, images apart.
fn heap_size(layout: &Layout) -> u32 {
    let [classes, methods, sites] =
        [layout.classes.len(), layout.methods.len(), layout.sites.len()].map(|n| n as u32);
    let method = CALLEES_OF_A_METHOD + THUNK_ENTRIES_OF_A_METHOD;
    HELPERS + DELEGATES + classes * (CLASS + 4 * methods) + methods * method + sites * SITE
}

/// The addresses that depend on the layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryMap {
    /// Lowest byte of the shadow stack, above its guard.
    pub stack_bottom: u32,
    /// `__stack_pointer` at the start: the highest byte is below this.
    pub stack_top: u32,
    /// The frame of an outermost call: function pointer, then at
    /// [`FRAME_ARGUMENTS`] the argument bytes as `meaning` lays them out.
    frame: u32,
    /// Bytes of a frame.
    pub frame_size: u32,
    /// The result buffer of an outermost call.
    result: u32,
    /// Bytes of a result buffer.
    pub result_size: u32,
    /// From the frame and result of a call to those of a call inside it.
    stride: u32,
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
    /// Lays out memory for a layout whose images take `payload_bytes` together, each with
    /// [`IMAGE_OVERHEAD`].
    pub fn new(layout: &Layout, payload_bytes: u32) -> Self {
        let signatures = || signatures(layout);
        // Calls through a delegate or `this` may have one word more than their callee's signature
        // says.
        let arguments =
            8 + signatures().map(|s| meaning::arguments_size(layout, s)).max().unwrap_or(0);
        let slots = signatures().map(|s| vm::argument_slots(layout, s).1).max().unwrap_or(0);
        let result = signatures()
            .filter_map(|s| s.ret.map(|ty| meaning::padded_size(layout, ty)))
            .max()
            .unwrap_or(0)
            .max(8);

        // A chain of caller, import thunk, I-thunk, M-thunk and body each keeps
        // a copy of the arguments; small programs get room to nest besides.
        let widest = (arguments + slots + result + 256).next_multiple_of(16);
        let stack_size = (8 * MAX_DEPTH as u32 * widest).max(0x2000);
        let stack_bottom = meaning::IDENTITIES_END + GUARD_SIZE;
        let stack_top = (stack_bottom + stack_size).next_multiple_of(16);
        let frame = stack_top + 2 * GUARD_SIZE;
        let frame_size = FRAME_ARGUMENTS + arguments;
        let result_at = (frame + frame_size).next_multiple_of(16) + GUARD_SIZE;
        let stride = (result_at + result).next_multiple_of(16) + GUARD_SIZE - frame;
        let interpreter_stack = frame + stride * MAX_DEPTH as u32;
        // A call by delegate of an unboxed method takes four areas.
        let interpreter_stack_size = 4 * MAX_DEPTH as u32 * (slots + result + 32);
        let heap = (interpreter_stack + interpreter_stack_size + GUARD_SIZE).next_multiple_of(16);
        let heap = heap.max(MIN_HEAP);
        let heap_size = heap_size(layout) + payload_bytes;
        Self {
            stack_bottom,
            stack_top,
            frame,
            frame_size,
            result: result_at,
            result_size: result,
            stride,
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
    pub fn guards(&self) -> impl Iterator<Item = (u32, u32)> {
        let interpreter_end = self.interpreter_stack + self.interpreter_stack_size;
        let frames = (0..MAX_DEPTH).flat_map(|depth| {
            let (frame, result) = (self.frame(depth).get(), self.result(depth).get());
            let next = frame + self.stride;
            [(frame + self.frame_size, result), (result + self.result_size, next)]
        });
        [
            (self.stack_bottom - GUARD_SIZE, self.stack_bottom),
            (self.stack_top, self.frame),
            (interpreter_end, interpreter_end + GUARD_SIZE),
        ]
        .into_iter()
        .chain(frames)
    }

    /// The frame of a call at this depth of nesting, 0 for an outermost one:
    /// function pointer, then at [`FRAME_ARGUMENTS`] the argument bytes as
    /// `meaning` lays them out.
    pub fn frame(&self, depth: usize) -> Address {
        Address::new(self.frame + self.stride * depth as u32)
    }

    /// The result buffer of a call at this depth.
    pub fn result(&self, depth: usize) -> Address {
        Address::new(self.result + self.stride * depth as u32)
    }
}

/// Every signature that a call can have.
// mutants: the signature of a pointer call is some method's as well wherever the call is right
fn signatures(layout: &Layout) -> impl Iterator<Item = &Signature> {
    let sites = layout.sites.iter().filter_map(|site| site.action.stated());
    layout.methods.iter().map(|m| &m.signature).chain(sites)
}

const _: () = assert!(MIN_HEAP > 4 * HOST_SLOTS, "a heap address must not look like a table index");
const _: () = assert!(STATIC_DATA < HOST_SLOTS && HOST_SLOTS < THREAD);
const _: () = assert!(VARIABLES + 4 * MAX_ITEMS as u32 <= 0x2000);
