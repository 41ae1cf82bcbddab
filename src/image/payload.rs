//! The webcil payload of an image: header, cells, import-thunk records, method
//! tables, thunk strings and relocations.
//!
//! Layout as in `docs/design/mono/webcil.md` and `ObjectWriter/WebCilObjectWriter.cs`;
//! `docs/fidelity.md`, "Images", says who reads each word upstream.

use super::FunctionId;
use super::facts::Import;
use super::pep;
use super::words::Rva;

/// Offset of `TableBase` in the payload header (`WebcilEncoder.TableBaseOffset`).
pub const TABLE_BASE: Rva = Rva::new(28);
/// Header and two section headers of 16 bytes each.
const SECTIONS: u32 = 32;
const DATA: u32 = SECTIONS + 2 * SECTION;
/// Bytes of a section header: virtual size and address, then size and address in the file.
const SECTION: u32 = 16;
/// Bytes of all headers.
pub const HEADERS: usize = DATA as usize;
/// `IMAGE_REL_BASED_HIGHLOW`: adds the image base.
pub const REL_HIGHLOW: u16 = 3;
/// `IMAGE_REL_BASED_WASM32_TABLE`: adds the table base.
pub const REL_WASM32_TABLE: u16 = 12;
/// Bytes of an import thunk's record (`READYTORUN_IMPORT_THUNK_PORTABLE_ENTRYPOINT`) and of a
/// generic lookup's. Both are called through as an entry point is, and begin with the table index
/// of the thunk or helper.
const RECORD: u32 = 8;
/// Offset in a record of what it is about: the RVA of an import thunk's cell, or the token of the
/// method whose context is looked up.
pub const RECORD_SUBJECT: u32 = 4;
/// What ends the RUNTIME_FUNCTION entries.
const RUNTIME_FUNCTION_SENTINEL: u32 = 0xffff_ffff;
/// Virtual IPs that each function takes; offsets are even.
pub const VIRTUAL_IPS_A_FUNCTION: u32 = 8;

/// Where cells lie: one word each, in order, right after the headers.
pub fn cell_rva(position: usize) -> Rva {
    Rva::new(DATA + 4 * position as u32)
}

/// What goes into a payload, in module-relative terms.
#[derive(Debug, Default)]
pub struct Contents {
    /// Cells, in RVA order. A lazy cell also gets an import-thunk record.
    pub cells: Vec<Import>,
    /// For each [lazy](Import::lazy) cell in order: its position, and its import thunk.
    pub import_thunks: Vec<(usize, FunctionId)>,
    /// Compiled functions, callers included.
    pub runtime_functions: u32,
    /// One a method of the assembly: the compiled function, if there is one, and whether it has a
    /// fixup list.
    pub method_entries: Vec<Option<(FunctionId, bool)>>,
    /// `I...` and `M...` keys with their thunk.
    pub string_thunks: Vec<(String, FunctionId)>,
}

/// A payload and where its parts lie.
#[derive(Debug)]
pub struct Payload {
    /// The bytes, a multiple of 16.
    pub bytes: Vec<u8>,
    /// RVA of the table index of compiled function 0.
    pub min_function_index: Rva,
    /// RVA of the method entry words.
    pub method_entries: Rva,
    /// RVA of the thunk strings.
    pub string_thunks: Rva,
    /// Their size in bytes.
    pub string_thunks_size: u32,
}

/// Writes a payload.
// mutants: `BeginAddress` of a RUNTIME_FUNCTION: the model divides a virtual IP instead of
// searching for it
pub fn write(contents: &Contents) -> Payload {
    let mut out = vec![0; DATA as usize];
    let mut relocations = Vec::new();
    let mut lazy = contents.import_thunks.iter();
    let records = cell_rva(contents.cells.len()).get().next_multiple_of(8);
    let mut record = records;
    let mut lookup_record = records + RECORD * contents.import_thunks.len() as u32;
    for (position, cell) in contents.cells.iter().enumerate() {
        let lookup = matches!(cell, Import::GenericLookup(_));
        let initial = match (cell.lazy().is_some(), lookup) {
            (false, false) => 0,
            (is_lazy, _) => {
                relocations.push((cell_rva(position).get(), REL_HIGHLOW));
                let next = if is_lazy { &mut record } else { &mut lookup_record };
                *next += RECORD;
                *next - RECORD
            }
        };
        push(&mut out, initial);
    }
    out.resize(records as usize, 0);
    for &(cell, thunk) in lazy.by_ref() {
        relocations.push((out.len() as u32, REL_WASM32_TABLE));
        push(&mut out, thunk.0);
        push(&mut out, cell_rva(cell).get());
    }
    for cell in &contents.cells {
        if let Import::GenericLookup(method) = cell {
            // The helper's table index is the VM's to fill in.
            push(&mut out, 0);
            push(&mut out, u32::from(method.0));
        }
    }
    for function in 0..contents.runtime_functions {
        push(&mut out, function * VIRTUAL_IPS_A_FUNCTION);
        push(&mut out, 0);
    }
    push(&mut out, RUNTIME_FUNCTION_SENTINEL);
    let min_function_index = out.len() as u32;
    relocations.push((min_function_index, REL_WASM32_TABLE));
    push(&mut out, 0);
    let method_entries = out.len() as u32;
    for entry in &contents.method_entries {
        push(&mut out, entry.map_or(0, |(function, fixups)| method_entry(function, fixups)));
    }
    let string_thunks = out.len() as u32;
    for (key, function) in &contents.string_thunks {
        out.extend_from_slice(key.as_bytes());
        out.push(0);
        push(&mut out, function.0);
    }
    out.push(0);
    let string_thunks_size = out.len() as u32 - string_thunks;
    out.resize(out.len().next_multiple_of(16), 0);

    let relocations_at = out.len() as u32;
    push_relocation_blocks(&mut out, relocations);
    let relocations_size = out.len() as u32 - relocations_at;
    out.resize(out.len().next_multiple_of(16), 0);
    write_headers(&mut out, relocations_at, relocations_size);
    Payload {
        bytes: out,
        min_function_index: Rva::new(min_function_index),
        method_entries: Rva::new(method_entries),
        string_thunks: Rva::new(string_thunks),
        string_thunks_size,
    }
}

/// A method entry word: 0 for no compiled code, else one more than upstream's
/// `id << 1 | has fixups`.
// mutants: only a body that is rejected has a list, and each list fails
fn method_entry(function: FunctionId, fixups: bool) -> u32 {
    2 * function.0 + u32::from(fixups) + 1
}

/// Reads a method entry word back: the RUNTIME_FUNCTION index, and whether
/// fixups must be resolved before the body may be published.
pub fn decode_method_entry(word: u32) -> Option<(FunctionId, bool)> {
    word.checked_sub(1).map(|id| (FunctionId(id >> 1), id & 1 == 1))
}

fn push(out: &mut Vec<u8>, word: u32) {
    out.extend_from_slice(&word.to_le_bytes());
}

/// PE-style base relocation blocks, one a 4 KiB page.
// mutants: more blocks than there are pages are right as well
fn push_relocation_blocks(out: &mut Vec<u8>, mut relocations: Vec<(u32, u16)>) {
    relocations.sort_unstable();
    for page in relocations.chunk_by(|a, b| a.0 >> 12 == b.0 >> 12) {
        let size = (8 + 2 * page.len()).next_multiple_of(4);
        push(out, page[0].0 & !0xfff);
        push(out, size as u32);
        for &(rva, kind) in page {
            out.extend_from_slice(&((kind << 12) + (rva & 0xfff) as u16).to_le_bytes());
        }
        if page.len() % 2 == 1 {
            out.extend_from_slice(&[0, 0]); // IMAGE_REL_BASED_ABSOLUTE, padding
        }
    }
}

// mutants: the header of the data section, which the loader has no need of
fn write_headers(out: &mut [u8], relocations: u32, relocations_size: u32) {
    let mut put = |at: u32, bytes: &[u8]| {
        out[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
    };
    put(0, b"WbIL");
    put(4, &1u16.to_le_bytes()); // major
    put(8, &2u16.to_le_bytes()); // sections
    put(10, &2u16.to_le_bytes()); // 1-based index of the relocation section
    // TableBase stays 0: the host patches it when it knows the table.
    let sections = [(DATA, relocations - DATA), (relocations, relocations_size)];
    for (i, (at, size)) in sections.into_iter().enumerate() {
        let header = SECTIONS + SECTION * i as u32;
        for (j, word) in [size, at, size, at].into_iter().enumerate() {
            put(header + 4 * j as u32, &word.to_le_bytes());
        }
    }
}

/// Reads the headers back (`WebcilDecoder`): RVA and size of the relocation section; `None` if they
/// are not those of a webcil payload of version 1.
// mutants: only a hostile image gets there: `fuzz/src/image.rs`
// mutants: the relocations are in the second section, number 1 from 0
pub fn relocation_section(headers: &[u8; HEADERS]) -> Option<(Rva, u32)> {
    let half = |at: usize| u16::from_le_bytes([headers[at], headers[at + 1]]);
    let (sections, number) = (half(8), half(10));
    if !headers.starts_with(b"WbIL") || half(4) != 1 || number > sections {
        return None;
    }
    let Some(index) = usize::from(number).checked_sub(1) else { return Some((Rva::new(0), 0)) };
    let header = headers.get(SECTIONS as usize + SECTION as usize * index..)?;
    let (size, rest) = header.split_first_chunk()?;
    let rva = Rva::new(u32::from_le_bytes(*rest.first_chunk()?));
    Some((rva, u32::from_le_bytes(*size)))
}

const _: () = assert!(pep::CODE == 0, "a record begins with what an entry point has as its code");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::MethodId;

    fn word(bytes: &[u8], at: u32) -> u32 {
        let at = at as usize;
        u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
    }

    fn headers(payload: &Payload) -> [u8; HEADERS] {
        payload.bytes[..HEADERS].try_into().expect("a payload begins with them")
    }

    /// Whole blocks, as `(page, [(kind, offset in the page)])`.
    fn blocks(mut bytes: &[u8]) -> Vec<(u32, Vec<(u16, u16)>)> {
        let mut blocks = Vec::new();
        while !bytes.is_empty() {
            let (block, rest) = bytes.split_at(word(bytes, 4) as usize);
            let entries = block[8..].chunks_exact(2).map(|e| u16::from_le_bytes([e[0], e[1]]));
            blocks.push((word(block, 0), entries.map(|e| (e >> 12, e & 0xfff)).collect()));
            bytes = rest;
        }
        blocks
    }

    #[test]
    fn a_method_entry_is_one_more_than_its_id_and_fixup_bit() {
        assert_eq!(decode_method_entry(0), None);
        for (function, fixups, word) in [(0, false, 1), (0, true, 2), (3, false, 7), (3, true, 8)] {
            assert_eq!(method_entry(FunctionId(function), fixups), word);
            assert_eq!(decode_method_entry(word), Some((FunctionId(function), fixups)));
        }
    }

    #[test]
    fn relocations_are_sorted_into_a_block_a_page_of_whole_words() {
        let mut out = Vec::new();
        let relocations =
            vec![(0x2004, REL_WASM32_TABLE), (0x1ffc, REL_HIGHLOW), (0x10, REL_HIGHLOW)];
        push_relocation_blocks(&mut out, relocations);
        let absolute = (0, 0);
        assert_eq!(
            blocks(&out),
            [
                (0, vec![(REL_HIGHLOW, 0x10), absolute]),
                (0x1000, vec![(REL_HIGHLOW, 0xffc), absolute]),
                (0x2000, vec![(REL_WASM32_TABLE, 4), absolute]),
            ]
        );
        let mut two = Vec::new();
        push_relocation_blocks(&mut two, vec![(8, REL_HIGHLOW), (4, REL_WASM32_TABLE)]);
        assert_eq!(blocks(&two), [(0, vec![(REL_WASM32_TABLE, 4), (REL_HIGHLOW, 8)])]);
    }

    #[test]
    fn cells_and_records_hold_what_their_readers_look_for() {
        let (lazy, lookup) = (MethodId(1), MethodId(2));
        let payload = write(&Contents {
            cells: vec![
                Import::Module,
                Import::LazyMethodEntry(lazy),
                Import::GenericLookup(lookup),
            ],
            import_thunks: vec![(1, FunctionId(5))],
            runtime_functions: 2,
            method_entries: vec![None, Some((FunctionId(1), true))],
            string_thunks: vec![("iip".to_owned(), FunctionId(4))],
        });
        let bytes = &payload.bytes;
        let cell = |number| cell_rva(number).get();
        // Behind three cells and padding: the thunk's record, then the lookup's.
        let record = cell(3).next_multiple_of(8);
        assert_eq!([0, 1, 2].map(|n| word(bytes, cell(n))), [0, record, record + RECORD]);
        assert_eq!([0, 4].map(|at| word(bytes, record + at)), [5, cell(1)]);
        assert_eq!([8, 12].map(|at| word(bytes, record + at)), [0, 2]);
        // A RUNTIME_FUNCTION has two words: where it begins, and no unwind data.
        let functions = record + 2 * RECORD;
        let begins = [0, 8, 16].map(|at| word(bytes, functions + at));
        assert_eq!(begins, [0, VIRTUAL_IPS_A_FUNCTION, RUNTIME_FUNCTION_SENTINEL]);
        assert_eq!(payload.min_function_index.get(), functions + 20);
        assert_eq!(payload.method_entries.get(), functions + 24);
        assert_eq!([0, 4].map(|at| word(bytes, payload.method_entries.get() + at)), [0, 4]);
        let strings = payload.string_thunks.get() as usize;
        let strings = &bytes[strings..strings + payload.string_thunks_size as usize];
        assert_eq!(strings, b"iip\0\x04\0\0\0\0");
        let (at, size) = relocation_section(&headers(&payload)).expect("it has headers");
        let relocated = blocks(&bytes[at.get() as usize..][..size as usize]);
        let offset = |rva: u32| rva as u16;
        assert_eq!(
            relocated,
            [(
                0,
                vec![
                    (REL_HIGHLOW, offset(cell(1))),
                    (REL_HIGHLOW, offset(cell(2))),
                    (REL_WASM32_TABLE, offset(record)),
                    (REL_WASM32_TABLE, offset(payload.min_function_index.get())),
                ]
            )]
        );
    }

    #[test]
    fn headers_that_are_none_are_refused() {
        let good = headers(&write(&Contents::default()));
        assert!(relocation_section(&good).is_some_and(|(at, size)| at.get() > DATA && size == 12));
        let altered = |at: usize, byte: u8| {
            let mut headers = good;
            headers[at] = byte;
            relocation_section(&headers)
        };
        assert_eq!(altered(0, b'V'), None, "the magic");
        assert_eq!(altered(4, 2), None, "the version");
        assert_eq!(altered(10, 3), None, "a section that is not there");
        assert_eq!(altered(10, 0), Some((Rva::default(), 0)), "no relocations");
    }
}
