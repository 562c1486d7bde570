//! Offsets and functions from the kernel's own type information (docs/adr/0001).

use std::path::Path;

use btf_rs::{Btf, Member, Type};
use sensor_ebpf::fields;

/// Where the kernel shows its BTF.
pub const SYS_BTF: &str = "/sys/kernel/btf/vmlinux";

/// Why an offset could not be told.
#[derive(Debug, thiserror::Error)]
pub enum BtfError {
    #[error("{path}: {source}; the kernel needs CONFIG_DEBUG_INFO_BTF (Linux 5.8 or newer)")]
    Missing {
        path: String,
        source: std::io::Error,
    },
    #[error("{path}: not BTF: {reason}")]
    Malformed { path: String, reason: String },
    #[error("kernel field {field}: this kernel has none of its names ({names})")]
    NoField { field: String, names: String },
    #[error("kernel field {field}: two candidates, at {first} and {second} bytes ({names})")]
    TwoFields {
        field: String,
        first: u32,
        second: u32,
        names: String,
    },
}

/// The running kernel's types.
pub struct KernelTypes {
    btf: Btf,
}

impl KernelTypes {
    /// Reads `path`.
    ///
    /// # Errors
    /// The file is missing or is not BTF.
    pub fn read(path: &Path) -> Result<Self, BtfError> {
        let shown = || path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| BtfError::Missing {
            path: shown(),
            source,
        })?;
        let btf = Btf::from_bytes(&bytes).map_err(|e| BtfError::Malformed {
            path: shown(),
            reason: e.to_string(),
        })?;
        Ok(Self { btf })
    }

    /// Whether the kernel has a function of this name that BTF describes.
    #[must_use]
    pub fn has_function(&self, name: &str) -> bool {
        self.btf
            .resolve_types_by_name(name)
            .is_ok_and(|types| types.iter().any(|t| matches!(t, Type::Func(_))))
    }

    /// Whether fentry can read the first argument of a function: 5.10 describes `struct pt_regs`
    /// in fs/exec.c by a forward declaration only, and its verifier then refuses the read.
    #[must_use]
    pub fn is_traceable(&self, function: &str) -> bool {
        let types = self.btf.resolve_types_by_name(function).unwrap_or_default();
        types
            .iter()
            .filter_map(|t| self.first_argument(t))
            .any(|t| !matches!(t, Type::Fwd(_)))
    }

    /// The number of the last argument that points to a struct of this name.
    #[must_use]
    pub fn last_argument(&self, function: &str, pointee: &str) -> Option<usize> {
        let types = self.btf.resolve_types_by_name(function).ok()?;
        let function = types.iter().find(|t| matches!(t, Type::Func(_)))?;
        let Type::Func(function) = function else {
            return None;
        };
        let Type::FuncProto(proto) = self.btf.resolve_chained_type(function).ok()? else {
            return None;
        };
        let points = |parameter: &_| {
            let Ok(Type::Ptr(pointer)) = self.btf.resolve_chained_type(parameter) else {
                return false;
            };
            match self.btf.resolve_chained_type(&pointer) {
                Ok(Type::Struct(s)) => self.btf.resolve_name(&s).is_ok_and(|n| n == pointee),
                _ => false,
            }
        };
        proto.parameters.iter().rposition(points)
    }

    /// What the first argument of a function points to.
    fn first_argument(&self, function: &Type) -> Option<Type> {
        let Type::Func(function) = function else {
            return None;
        };
        let Type::FuncProto(proto) = self.btf.resolve_chained_type(function).ok()? else {
            return None;
        };
        let first = self
            .btf
            .resolve_chained_type(proto.parameters.first()?)
            .ok()?;
        let Type::Ptr(pointer) = self.concrete(first)? else {
            return None;
        };
        self.concrete(self.btf.resolve_chained_type(&pointer).ok()?)
    }

    /// Whether the kernel has a tracepoint of this name.
    #[must_use]
    pub fn has_tracepoint(&self, name: &str) -> bool {
        self.btf
            .resolve_ids_by_name(&format!("btf_trace_{name}"))
            .is_ok()
    }

    /// Bytes from the start of the struct, for every field of the table.
    ///
    /// # Errors
    /// Names the field that has no offset or more than one: never a wrong read.
    pub fn offsets(&self) -> Result<[u32; fields::COUNT], BtfError> {
        let mut offsets = [0; fields::COUNT];
        for ((offset, names), optional) in
            offsets.iter_mut().zip(fields::NAMES).zip(fields::OPTIONAL)
        {
            *offset = match self.offset(names) {
                Err(BtfError::NoField { .. }) if optional.is_some() => fields::MISSING,
                found => found?,
            };
        }
        Ok(offsets)
    }

    /// The one offset that a field has under any of its names.
    fn offset(&self, names: &[&str]) -> Result<u32, BtfError> {
        let field = || names.first().copied().unwrap_or_default().to_owned();
        let mut found: Option<u32> = None;
        for candidate in names.iter().flat_map(|name| self.candidates(name)) {
            match found {
                Some(first) if first != candidate => {
                    let names = names.join(", ");
                    return Err(BtfError::TwoFields {
                        field: field(),
                        first,
                        second: candidate,
                        names,
                    });
                }
                _ => found = Some(candidate),
            }
        }
        found.ok_or_else(|| BtfError::NoField {
            field: field(),
            names: names.join(", "),
        })
    }

    /// Offsets that `struct.member.member` has in the structs of that name.
    fn candidates(&self, dotted: &str) -> Vec<u32> {
        let mut parts = dotted.split('.');
        let Some(owner) = parts.next() else {
            return Vec::new();
        };
        let members: Vec<&str> = parts.collect();
        let types = self.btf.resolve_types_by_name(owner).unwrap_or_default();
        types
            .iter()
            .filter(|t| matches!(t, Type::Struct(_)))
            .filter_map(|t| self.walk(t, &members))
            .map(|bits| bits / 8)
            .collect()
    }

    /// Bits from the start of `holder` to the member that `names` leads to.
    fn walk(&self, holder: &Type, names: &[&str]) -> Option<u32> {
        let Some((name, rest)) = names.split_first() else {
            return Some(0);
        };
        let (Type::Struct(composite) | Type::Union(composite)) = self.concrete(holder.clone())?
        else {
            return None;
        };
        composite
            .members
            .iter()
            .find_map(|member| self.step(member, name, names, rest))
    }

    fn step(&self, member: &Member, name: &str, names: &[&str], rest: &[&str]) -> Option<u32> {
        let here = self.btf.resolve_name(member).unwrap_or_default();
        let below = || self.btf.resolve_chained_type(member).ok();
        let inner = if here == name {
            if rest.is_empty() {
                Some(0)
            } else {
                self.walk(&below()?, rest)
            }
        } else if here.is_empty() {
            self.walk(&below()?, names) // a member of an anonymous struct or union
        } else {
            None
        };
        inner.map(|bits| bits + member.bit_offset())
    }

    /// Behind typedefs and qualifiers.
    fn concrete(&self, mut t: Type) -> Option<Type> {
        loop {
            t = match &t {
                Type::Typedef(inner) => self.btf.resolve_chained_type(inner).ok()?,
                Type::Const(inner) | Type::Volatile(inner) => {
                    self.btf.resolve_chained_type(inner).ok()?
                }
                _ => return Some(t),
            };
        }
    }
}
