//! The C code: targets of P/Invokes, and call sites in native code.

#![allow(clippy::wildcard_enum_match_arm, reason = "these are matches on types")]

use std::fmt::Write as _;

use super::Source;
use super::names::{entry, parameter};
use super::types::{innermost, is_empty};
use super::wrap::{chain, list};
use crate::scenario::{
    Caller, Convention, MethodId, RuntimePath, Signature, Site, StructId, StructShape, Type,
};

/// The site's code is C.
pub(super) fn has_code(site: &Site) -> bool {
    site.caller == Caller::Native
        && site.action.kind().runtime_path().is_none_or(|path| path == RuntimePath::Export)
}

/// What managed code declares of the C code, besides P/Invokes.
pub(super) fn declarations(sites: &[String]) -> String {
    let support = "\
// Lets the P/Invoke that is called next call back before it returns.
[DllImport(\"calliper\", EntryPoint = \"calliper_call_inside\")]
public static extern void CallInside(delegate* unmanaged<void> inside);

// The hash of what the P/Invoke that was called last has seen.
[DllImport(\"calliper\", EntryPoint = \"calliper_seen\")]
public static extern ulong Seen();

[UnmanagedCallersOnly]
public static void Inside() => Report.RunInside();
";
    let mut members = vec![support.to_owned()];
    members.extend_from_slice(sites);
    members.join("\n")
}

/// What every such file begins with.
const SUPPORT: &str = r#"/* The C code of the program: targets of P/Invokes, and what calls managed code.
 *
 * For a runtime with shared libraries:  cc -shared -fPIC -o libcalliper.so calliper.c
 * For WebAssembly, Calliper.App.csproj links it in, with CALLIPER_EXPORTS if exports of managed
 * methods can be called by name.
 */
#include <stdint.h>
#include <string.h>

#if defined(_WIN32)
#define API __declspec(dllexport)
#else
#define API __attribute__((visibility("default")))
#endif

static uint64_t last_seen;
static void (*call_back)(void);

/* Mixes a word into a running hash: the finaliser of SplitMix64. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
    uint64_t z = (hash ^ word) + 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Mixes all bytes of a value into a hash, padded with zeros to a multiple of 8. */
static uint64_t fold(uint64_t hash, const void *value, size_t size)
{
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = 0;
        memcpy(&word, (const char *)value + at, size - at < 8 ? size - at : 8);
        hash = mix(hash, word);
    }
    return hash;
}

/* The value that a word stands for. */
static void fill(void *value, size_t size, uint64_t word)
{
    for (size_t at = 0; at < size; at += 8) {
        uint64_t chunk = at == 0 ? word : mix(word, at / 8);
        memcpy((char *)value + at, &chunk, size - at < 8 ? size - at : 8);
    }
}

/* What a target has seen; it calls back if it is to. */
static uint64_t seen(uint64_t hash)
{
    void (*now)(void) = call_back;
    call_back = 0;
    if (now) now();
    last_seen = hash;
    return hash;
}

API void calliper_call_inside(void (*inside)(void)) { call_back = inside; }
API uint64_t calliper_seen(void) { return last_seen; }

typedef int32_t vector128 __attribute__((vector_size(16)));
typedef int32_t vector256 __attribute__((vector_size(32)));
typedef int32_t vector512 __attribute__((vector_size(64)));
"#;

impl Source<'_> {
    /// The C file.
    pub fn native_code(&self) -> String {
        let mut out = SUPPORT.to_owned();
        for (id, _) in self.layout.structs.enumerated() {
            if !self.holds_object(Type::Struct(id)) {
                out.push_str(&self.c_struct(id));
            }
        }
        for (id, method) in self.layout.methods.enumerated() {
            if method.convention == Convention::PInvoke {
                out.push_str(&self.target(id));
            }
        }
        for site in self.layout.sites.iter().filter(|site| has_code(site)) {
            out.push_str(&self.c_site(site));
        }
        out
    }

    fn holds_object(&self, ty: Type) -> bool {
        innermost(self.layout, ty).0 == Type::Object
    }

    fn c_type(&self, ty: Type) -> String {
        let plain = match ty {
            Type::Bool | Type::U8 => "uint8_t",
            Type::Char | Type::U16 => "uint16_t",
            Type::I8 => "int8_t",
            Type::I16 => "int16_t",
            Type::I32 => "int32_t",
            Type::U32 => "uint32_t",
            Type::NInt => "intptr_t",
            Type::NUInt => "uintptr_t",
            Type::Pointer | Type::Object => "void *",
            Type::I64 => "int64_t",
            Type::U64 => "uint64_t",
            Type::F32 => "float",
            Type::F64 => "double",
            Type::Int128 => "__int128",
            Type::Vector128 => "vector128",
            Type::Vector256 => "vector256",
            Type::Vector512 => "vector512",
            Type::Struct(id) => return format!("struct_{}", self.layout.structs[id].name),
        };
        plain.into()
    }

    fn c_struct(&self, id: StructId) -> String {
        let name = self.c_type(Type::Struct(id));
        let (size, align) = self.layout.size_align(Type::Struct(id));
        match self.layout.structs[id].shape {
            StructShape::Wraps(inner) => {
                format!("\ntypedef struct {{ {} value; }} {name};\n", self.c_type(inner))
            }
            StructShape::Empty => format!("\ntypedef struct {{ uint8_t nothing; }} {name};\n"),
            StructShape::Opaque { .. } => {
                let rest = size - align;
                let first = match align {
                    1 => "uint8_t",
                    2 => "uint16_t",
                    4 => "uint32_t",
                    8 => "uint64_t",
                    _ => "vector128",
                };
                format!("\ntypedef struct {{ {first} first; uint8_t rest[{rest}]; }} {name};\n")
            }
        }
    }

    fn c_head(&self, signature: &Signature, name: &str, before: &[String]) -> String {
        let count = signature.params.len();
        let mut parameters = before.to_vec();
        let named = signature.params.iter().enumerate();
        parameters
            .extend(named.map(|(i, &ty)| format!("{} {}", self.c_type(ty), parameter(i, count))));
        if parameters.is_empty() {
            parameters.push("void".into());
        }
        let result = self.c_result(signature);
        list(&format!("{result} {name}("), &parameters, ")")
    }

    fn c_result(&self, signature: &Signature) -> String {
        signature.ret.map_or("void".into(), |ty| self.c_type(ty))
    }

    fn target(&self, id: MethodId) -> String {
        let method = self.layout.method(id);
        let signature = &method.signature;
        let head = self.c_head(signature, &entry(method), &[]);
        let mut out = format!("\nAPI {head}\n{{\n    uint64_t hash = mix(0xca1115e2, {});\n", id.0);
        let count = signature.params.len();
        for (i, &ty) in signature.params.iter().enumerate() {
            let _ = writeln!(out, "    {}", self.c_see(ty, &parameter(i, count)));
        }
        out.push_str("    seen(hash);\n");
        if let Some(ty) = signature.ret {
            let word = match innermost(self.layout, ty).0 {
                Type::Bool => "hash & 1",
                Type::F32 => "(hash & 0x007fffff) | 0x3f800000",
                Type::F64 => "(hash & 0x000fffffffffffff) | 0x3ff0000000000000",
                Type::NInt | Type::NUInt | Type::Pointer => "(uint32_t)hash",
                _ => "hash",
            };
            let ty = self.c_type(ty);
            let _ = writeln!(
                out,
                "    {ty} answer;\n    fill(&answer, sizeof answer, {word});\n    return answer;"
            );
        }
        out + "}\n"
    }

    /// The statement that looks at a parameter.
    fn c_see(&self, ty: Type, name: &str) -> String {
        let (leaf, depth) = innermost(self.layout, ty);
        let value = format!("{name}{}", ".value".repeat(depth));
        match leaf {
            _ if is_empty(self.layout, ty) => format!("(void){name}; hash = mix(hash, 0);"),
            Type::I8 | Type::I16 => format!("hash = mix(hash, (uint32_t)(int32_t){value});"),
            Type::NInt | Type::NUInt | Type::Pointer => {
                format!("hash = mix(hash, (uint32_t)(uintptr_t){value});")
            }
            _ => format!("hash = fold(hash, &{value}, sizeof {value});"),
        }
    }

    fn c_site(&self, site: &Site) -> String {
        let Some(signature) = site.signature(self.layout) else { return String::new() };
        let export = site.action.named().map(|callee| entry(self.layout.method(callee)));
        let types: Vec<String> = signature.params.iter().map(|&ty| self.c_type(ty)).collect();
        let types = if types.is_empty() { "void".into() } else { types.join(", ") };
        let pointer = format!("{} (*function)({types})", self.c_result(signature));
        let head = self.c_head(signature, &format!("site_{}", site.name), &[pointer]);
        let count = signature.params.len();
        let arguments = (0..count).map(|i| {
            let comma = if i + 1 < count { ", " } else { "" };
            format!("{}{comma}", parameter(i, count))
        });
        let arguments = chain("", arguments);
        let ret = if signature.ret.is_some() { "return " } else { "" };
        let Some(export) = export else {
            return format!("\nAPI {head}\n{{\n    {ret}function({arguments});\n}}\n");
        };
        let declared = self.c_head(signature, &export, &[]);
        format!(
            "\n#if defined(CALLIPER_EXPORTS)\nextern {declared};\n#endif\n\nAPI {head}\n{{\n#if \
             defined(CALLIPER_EXPORTS)\n    (void)function;\n    {ret}{export}({arguments});\n#else\n    \
             {ret}function({arguments}); /* no linker here knows the export */\n#endif\n}}\n"
        )
    }
}
