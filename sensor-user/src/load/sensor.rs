//! A loaded sensor: the programs attached, the ring buffer and the counters open.

use std::{
    collections::BTreeSet,
    ops::Range,
    os::fd::{AsFd as _, AsRawFd as _},
    path::Path,
};

use anyhow::{Context as _, Result, anyhow, bail};
use aya::{
    Ebpf, EbpfLoader,
    maps::{Array, HashMap, MapData, PerCpuArray, RingBuf, stack::Stack},
    programs::Program,
};
use aya_log::EbpfLogger;
use sensor_ebpf::{
    calls::{CALLS, OTHERS, table_value},
    config::{AS_FILE, CALL_TABLE, NAME_KEY, OPERATIONS, policy, setting},
    fields,
    filter::CallFilter,
    loss::{self, cause},
    wire::kind,
};

use super::{
    btf::{KernelTypes, SYS_BTF},
    objects::Needs,
    order::Preemption,
    own,
    plan::{Attach, Plan, kernel_has_kprobes},
    programs,
    unwanted::unwanted,
};
use crate::{
    kernel::{self, Kernel},
    syscalls::{self, Abi},
};

/// The programs; empty in a build without them.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/auklet-ebpf"));

/// What the programs are told before they load.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `None`: the first that works, in the order of [`Preemption::order`].
    pub attach: Option<Attach>,
    /// `sensor_ebpf::config::opens` bits.
    pub opens: u32,
    /// Names whose read-only opens are wanted, with `AS_FILE`, and that the policy watches, with `AS_POLICY`.
    pub watched_names: Vec<(Vec<u8>, u32)>,
    /// Ring buffer size; a power of two and a multiple of the page size.
    pub ring_bytes: u32,
    /// Most bytes of arguments of one exec.
    pub argv_bytes: u32,
    /// System calls that may be under way at once.
    pub slots: u32,
    /// Calls beyond the four families that are wanted, by the policy or by rules.
    pub calls: Vec<(Abi, u32)>,
    /// What is wanted of each of the calls that are filtered.
    pub filters: Vec<(Abi, u32, CallFilter)>,
    /// What the policy wants of operations of io_uring, by `IORING_OP_*`.
    pub operations: Vec<(u32, CallFilter)>,
    /// Changes of times are wanted that the policy does not.
    pub times: bool,
    /// There is a policy of what is recorded: `filters` also decides about opens, and records have all
    /// items that auditd's have.
    pub policy: bool,
}

impl Settings {
    fn needs(&self) -> Needs<'_> {
        Needs {
            calls: &self.calls,
            recorded: self.policy,
            opens: self.opens != 0,
            unwanted: unwanted(self),
        }
    }
}

/// Running programs; they detach when this is dropped.
pub struct Sensor {
    ebpf: Ebpf,
    pub plan: Plan,
    /// Size of the ring.
    pub ring_bytes: u32,
    loss: PerCpuArray<MapData, u64>,
}

impl Sensor {
    /// Loads and attaches.
    ///
    /// # Errors
    /// Not root, no BTF, a field without offset, a program that the kernel refuses.
    pub fn start(settings: &Settings) -> Result<Self> {
        if OBJECT.is_empty() {
            bail!(
                "this binary was built without its eBPF programs; build it with `cargo xtask build`"
            );
        }
        let types = KernelTypes::read(Path::new(SYS_BTF))?;
        let offsets = types.offsets()?;
        if let Some(attach) = settings.attach {
            return Self::start_with(
                &offsets,
                Plan::new(attach, &types, &settings.needs()),
                settings,
            );
        }
        let preemption = Preemption::running(&types);
        log::info!("attach plan: {preemption}");
        for attach in preemption.order() {
            if attach == Attach::Kprobe && !kernel_has_kprobes() {
                log::info!("attach plan kprobe: this kernel has no kprobes");
                continue;
            }
            let plan = Plan::new(attach, &types, &settings.needs());
            if !plan.is_whole() {
                log::info!("attach plan {attach}: {}", plan.missing.join("; "));
                continue;
            }
            match Self::start_with(&offsets, plan, settings) {
                Ok(sensor) => return Ok(sensor),
                Err(error) if attach == Attach::Tracepoint => return Err(error),
                Err(error) => log::info!("attach plan {attach} refused: {error:#}"),
            }
        }
        bail!("no attach plan works on this kernel")
    }

    fn start_with(
        offsets: &[u32; fields::COUNT],
        mut plan: Plan,
        settings: &Settings,
    ) -> Result<Self> {
        if !plan.is_whole() {
            bail!("attach plan {}: {}", plan.attach, plan.missing.join("; "));
        }
        let mut config = [0u32; setting::COUNT];
        config[setting::SELF_TGID] = std::process::id();
        config[setting::OPENS] = settings.opens;
        config[setting::ARGV_MAX] = settings.argv_bytes;
        config[setting::PLAN] = plan.attach.setting();
        // Opens are the most, and the ones that block.
        let open_slots = settings.slots / 4 * 3;
        config[setting::OPEN_SLOTS] = open_slots;
        config[setting::POLICY] = match (settings.policy, settings.calls.is_empty()) {
            (true, _) if !settings.times => policy::TIMES,
            (true, _) => policy::ALL,
            (false, false) => policy::OTHERS,
            (false, true) => policy::NONE,
        };
        config[setting::CAPS_HIGH] = u32::try_from(kernel::all_capabilities() >> 32).unwrap_or(0);
        config[setting::TASK_PT_REGS] = u32::from(Kernel::running().version >= (5, 15));
        let mut ebpf = EbpfLoader::new()
            .override_global("OFFSETS", offsets.as_slice(), true)
            .override_global("CONFIG", config.as_slice(), true)
            .map_max_entries("EVENTS", settings.ring_bytes)
            .map_max_entries("SLOTS", settings.slots)
            .map_max_entries("FREE_SLOTS", settings.slots - open_slots)
            .map_max_entries("FREE_OPEN_SLOTS", open_slots)
            .map_max_entries("CALLS", settings.slots)
            .load(OBJECT)
            .context("create the maps (is this process root, with CAP_BPF and CAP_PERFMON?)")?;
        fill_free_slots(&mut ebpf, "FREE_OPEN_SLOTS", 0..open_slots)?;
        fill_free_slots(&mut ebpf, "FREE_SLOTS", open_slots..settings.slots)?;
        fill_watched_names(&mut ebpf, &settings.watched_names)?;
        fill_wanted_calls(&mut ebpf, &settings.calls)?;
        fill_filters(&mut ebpf, &settings.filters, &settings.operations)?;
        plan.missing.extend(lost_fields(offsets));
        let lost = own::find(&mut ebpf, offsets);
        plan.missing.extend(lost);
        programs::attach(&mut ebpf, &plan)?;
        let loss = PerCpuArray::try_from(take_map(&mut ebpf, "LOSS")?)?;
        Ok(Self {
            ebpf,
            plan,
            ring_bytes: settings.ring_bytes,
            loss,
        })
    }

    /// Names whose read-only opens are wanted, beside those that are already.
    ///
    /// # Errors
    /// The map is full.
    pub fn watch_names(&mut self, names: &[(Vec<u8>, u32)]) -> Result<()> {
        fill_watched_names(&mut self.ebpf, names)
    }

    /// A name whose read-only opens are not wanted any more.
    ///
    /// # Errors
    /// The map can't be written.
    pub fn forget_name(&mut self, name: &[u8]) -> Result<()> {
        let mut map: HashMap<_, [u8; NAME_KEY], u32> =
            HashMap::try_from(map_mut(&mut self.ebpf, "WATCHED_NAMES")?)?;
        let key = name_key(name);
        let others = map.get(&key, 0).unwrap_or(0) & !AS_FILE;
        let done = match others {
            0 => map.remove(&key),
            _ => map.insert(key, others, 0),
        };
        done.context("forget a watched name")
    }

    /// What is wanted of calls whose hooks are attached.
    ///
    /// # Errors
    /// The map can't be written.
    pub fn set_filters(&mut self, filters: &[(Abi, u32, CallFilter)]) -> Result<()> {
        fill_filters(&mut self.ebpf, filters, &[])
    }

    /// The ring buffer; once.
    ///
    /// # Errors
    /// It was taken before.
    pub fn take_ring(&mut self) -> Result<RingBuf<MapData>> {
        Ok(RingBuf::try_from(take_map(&mut self.ebpf, "EVENTS")?)?)
    }

    /// The programs' own diagnostics, to this process's log; once.
    ///
    /// # Errors
    /// They were taken before.
    pub fn take_diagnostics(&mut self) -> Result<EbpfLogger<&'static dyn log::Log>> {
        EbpfLogger::init(&mut self.ebpf).context("read the programs' own diagnostics")
    }

    /// How often the kernel skipped a program because the same one was interrupted on that CPU: since
    /// 5.12, from proc_pid_fdinfo(5). What was skipped, nobody knows.
    #[must_use]
    pub fn recursion_misses(&self) -> u64 {
        let misses = |program: &Program| {
            let fd = program.fd().ok()?.as_fd().as_raw_fd();
            let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).ok()?;
            let line = info
                .lines()
                .find_map(|line| line.strip_prefix("recursion_misses:"))?;
            line.trim().parse::<u64>().ok()
        };
        let programs = self.ebpf.programs();
        programs.filter_map(|(_, program)| misses(program)).sum()
    }

    /// Counters summed over the CPUs: `[kind][cause]`.
    ///
    /// # Errors
    /// The map can't be read.
    pub fn loss(&self) -> Result<LossTable> {
        let mut table = LossTable {
            recursion_misses: self.recursion_misses(),
            ..LossTable::default()
        };
        for k in 0..kind::COUNT {
            for c in 0..cause::COUNT {
                let values = self.loss.get(&loss::counter(k, c), 0)?;
                table.counts[usize::from(k)][c as usize] = values.iter().sum();
            }
        }
        Ok(table)
    }
}

/// Loss counters, `counts[kind][cause]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossTable {
    pub counts: [[u64; cause::COUNT as usize]; kind::COUNT as usize],
    /// [`Sensor::recursion_misses`]
    pub recursion_misses: u64,
}

impl LossTable {
    /// Records of a kind that were lost: tried, or never begun, and not in the ring.
    #[must_use]
    pub fn lost(&self, kind: u16) -> u64 {
        let row = &self.counts[usize::from(kind)];
        [cause::RING_FULL, cause::NO_SLOT, cause::NO_EXIT]
            .iter()
            .map(|c| row[*c as usize])
            .sum()
    }

    /// All records that were lost.
    #[must_use]
    pub fn total_lost(&self) -> u64 {
        (0..kind::COUNT).map(|k| self.lost(k)).sum()
    }
}

/// What is lost with the optional fields that this kernel lacks.
fn lost_fields(offsets: &[u32; fields::COUNT]) -> BTreeSet<String> {
    let optional = offsets.iter().zip(fields::OPTIONAL);
    let missing = optional.filter(|(offset, _)| **offset == fields::MISSING);
    let lost = missing.filter_map(|(_, lost)| *lost);
    lost.filter(|lost| !lost.is_empty())
        .map(str::to_owned)
        .collect()
}

fn take_map(ebpf: &mut Ebpf, name: &str) -> Result<aya::maps::Map> {
    ebpf.take_map(name)
        .ok_or_else(|| anyhow!("no map {name} in the object"))
}

/// A map that stays in `ebpf`: its descriptor must live until the programs are loaded.
pub(super) fn map_mut<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut aya::maps::Map> {
    ebpf.map_mut(name)
        .ok_or_else(|| anyhow!("no map {name} in the object"))
}

fn fill_free_slots(ebpf: &mut Ebpf, stack: &str, slots: Range<u32>) -> Result<()> {
    let mut free: Stack<_, u32> = Stack::try_from(map_mut(ebpf, stack)?)?;
    for index in slots {
        free.push(index, 0)
            .context("fill the stack of free slots")?;
    }
    Ok(())
}

/// A name as the map's keys have it: cut, and padded with NUL.
fn name_key(name: &[u8]) -> [u8; NAME_KEY] {
    let mut key = [0; NAME_KEY];
    let len = name.len().min(NAME_KEY - 1);
    key[..len].copy_from_slice(&name[..len]);
    key
}

fn fill_watched_names(ebpf: &mut Ebpf, names: &[(Vec<u8>, u32)]) -> Result<()> {
    let mut map: HashMap<_, [u8; NAME_KEY], u32> =
        HashMap::try_from(map_mut(ebpf, "WATCHED_NAMES")?)?;
    for (name, roles) in names {
        let key = name_key(name);
        let merged = map.get(&key, 0).unwrap_or(0) | roles;
        map.insert(key, merged, 0)
            .context("more watched names than the kernel map holds")?;
    }
    Ok(())
}

fn fill_wanted_calls(ebpf: &mut Ebpf, others: &[(Abi, u32)]) -> Result<()> {
    let mut table: Array<_, u32> = Array::try_from(map_mut(ebpf, "WANTED_CALLS")?)?;
    let mut set = |abi: Abi, nr: u32, value: u32| {
        let row = if abi == Abi::Native { 0 } else { CALL_TABLE };
        table
            .set(row + nr, value, 0)
            .context("fill the table of wanted calls")
    };
    for (abi, nr) in others.iter().filter(|(_, nr)| *nr < CALL_TABLE) {
        let name = syscalls::name(abi.arch(), *nr);
        let known = OTHERS.iter().find(|call| Some(call.name) == name);
        let shape = known.map_or(0, |call| call.shape);
        set(*abi, *nr, table_value(kind::OTHER, shape))?;
    }
    for call in CALLS {
        for abi in Abi::BOTH {
            for nr in syscalls::numbers(abi, call.name).filter(|nr| *nr < CALL_TABLE) {
                set(abi, nr, table_value(call.kind, call.shape))?;
            }
        }
    }
    Ok(())
}

fn fill_filters(
    ebpf: &mut Ebpf,
    filters: &[(Abi, u32, CallFilter)],
    operations: &[(u32, CallFilter)],
) -> Result<()> {
    const SIZE: usize = size_of::<CallFilter>();
    let mut table: Array<_, [u8; SIZE]> = Array::try_from(map_mut(ebpf, "CALL_FILTERS")?)?;
    let mut set = |place: u32, filter: &CallFilter| {
        let bytes: [u8; SIZE] = zerocopy::transmute!(*filter);
        table
            .set(place, bytes, 0)
            .context("fill the table of what is wanted of calls")
    };
    for (abi, nr, filter) in filters.iter().filter(|(_, nr, _)| *nr < CALL_TABLE) {
        let row = if *abi == Abi::Native { 0 } else { CALL_TABLE };
        set(row + nr, filter)?;
    }
    for (op, filter) in operations.iter().filter(|(op, _)| *op < OPERATIONS) {
        set(2 * CALL_TABLE + op, filter)?;
    }
    Ok(())
}
