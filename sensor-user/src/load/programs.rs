//! Loads and attaches the programs of one plan.

use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use aya::{
    Btf, Ebpf,
    programs::{FEntry, FExit, KProbe, ProgramError, ProgramInfo, RawTracePoint},
};

use super::plan::{Attach, Plan};

/// Tracepoints under every plan: (program, tracepoint).
const LIFECYCLE: [(&str, &str); 3] = [
    ("sched_process_fork", "sched_process_fork"),
    ("sched_process_exec", "sched_process_exec"),
    ("sched_process_exit", "sched_process_exit"),
];

/// Attaches everything. Ends of calls before beginnings, so that no call begins whose end is
/// not hooked.
///
/// # Errors
/// Names the program and what the kernel said.
pub(super) fn attach(ebpf: &mut Ebpf, plan: &Plan) -> Result<()> {
    match plan.attach {
        Attach::Fentry => attach_fentry(ebpf, plan)?,
        Attach::Kprobe => attach_kprobe(ebpf, plan)?,
        Attach::Tracepoint => {}
    }
    for (program, tracepoint) in LIFECYCLE {
        raw_tracepoint(ebpf, program, tracepoint)?;
    }
    if plan.modules {
        raw_tracepoint(ebpf, "module_load", "module_load")?;
    }
    attach_objects(ebpf, plan)?;
    for function in &plan.module_functions {
        kprobe(ebpf, &format!("kprobe_{function}"), &[function])?;
    }
    if plan.attach == Attach::Tracepoint {
        raw_tracepoint(ebpf, "tracepoint_exit", "sys_exit")?;
        raw_tracepoint(ebpf, "tracepoint_enter", "sys_enter")?;
    }
    Ok(())
}

/// Returns before entries: an entry leaves what its return takes up.
fn attach_objects(ebpf: &mut Ebpf, plan: &Plan) -> Result<()> {
    for (program, functions) in &plan.objects.returns {
        kprobe(ebpf, program, functions)?;
    }
    for (program, functions) in &plan.objects.entries {
        kprobe(ebpf, program, functions)?;
    }
    if plan.objects.fexit_lookup {
        let btf = Btf::from_sys_fs().context("read the kernel's BTF")?;
        fexit(ebpf, "fexit_filename_lookup", "filename_lookup", &btf)?;
    }
    Ok(())
}

fn attach_fentry(ebpf: &mut Ebpf, plan: &Plan) -> Result<()> {
    let btf = Btf::from_sys_fs().context("read the kernel's BTF")?;
    if let Some(function) = plan.open_function {
        fexit(ebpf, "fexit_do_filp_open", function, &btf)?;
    }
    if plan.has_times() {
        fexit(ebpf, "fexit_vfs_utimes", "vfs_utimes", &btf)?;
        fentry(ebpf, "fentry_vfs_utimes", "vfs_utimes", &btf)?;
    }
    attach_calls_by_kprobe(ebpf, plan)?;
    for site in plan
        .calls
        .iter()
        .filter(|site| site.attach == Attach::Fentry)
    {
        fexit(
            ebpf,
            &format!("fexit_{}", site.call.name),
            &site.function,
            &btf,
        )?;
        fentry(
            ebpf,
            &format!("fentry_{}", site.call.name),
            &site.function,
            &btf,
        )?;
    }
    Ok(())
}

fn attach_kprobe(ebpf: &mut Ebpf, plan: &Plan) -> Result<()> {
    if let Some(function) = plan.open_function {
        kprobe(ebpf, "kretprobe_do_filp_open", &[function])?;
        kprobe(ebpf, "kprobe_do_filp_open", &[function])?;
    }
    if plan.has_times() {
        kprobe(ebpf, "kretprobe_vfs_utimes", &["vfs_utimes"])?;
        kprobe(ebpf, "kprobe_vfs_utimes", &["vfs_utimes"])?;
    }
    attach_calls_by_kprobe(ebpf, plan)
}

fn attach_calls_by_kprobe(ebpf: &mut Ebpf, plan: &Plan) -> Result<()> {
    let functions = plan.functions(Attach::Kprobe);
    if functions.is_empty() {
        return Ok(());
    }
    kprobe(ebpf, "kretprobe_exit", &functions)?;
    kprobe(ebpf, "kprobe_enter", &functions)
}

/// The program of this name, as the type it must be.
pub(super) fn typed<'a, T>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut T>
where
    &'a mut T: TryFrom<&'a mut aya::programs::Program>,
{
    let program = ebpf
        .program_mut(name)
        .ok_or_else(|| anyhow!("no program {name} in the object"))?;
    program
        .try_into()
        .map_err(|_wrong| anyhow!("program {name} is of another type"))
}

fn fentry(ebpf: &mut Ebpf, name: &str, function: &str, btf: &Btf) -> Result<()> {
    let program: &mut FEntry = typed(ebpf, name)?;
    timed("load", name, || program.load(function, btf))?;
    verified(name, program.info());
    timed("attach", name, || program.attach()).map(|_link| ())
}

fn fexit(ebpf: &mut Ebpf, name: &str, function: &str, btf: &Btf) -> Result<()> {
    let program: &mut FExit = typed(ebpf, name)?;
    timed("load", name, || program.load(function, btf))?;
    verified(name, program.info());
    timed("attach", name, || program.attach()).map(|_link| ())
}

fn kprobe(ebpf: &mut Ebpf, name: &str, functions: &[&str]) -> Result<()> {
    let program: &mut KProbe = typed(ebpf, name)?;
    timed("load", name, || program.load())?;
    verified(name, program.info());
    for function in functions {
        timed("attach", name, || program.attach(function, 0))
            .with_context(|| format!("function {function}"))?;
    }
    Ok(())
}

fn raw_tracepoint(ebpf: &mut Ebpf, name: &str, tracepoint: &str) -> Result<()> {
    let program: &mut RawTracePoint = typed(ebpf, name)?;
    timed("load", name, || program.load())?;
    verified(name, program.info());
    timed("attach", name, || program.attach(tracepoint)).map(|_link| ())
}

/// Logs how many instructions the verifier followed (of at most a million; 0 before 5.16).
fn verified(name: &str, info: Result<ProgramInfo, ProgramError>) {
    let count = info.ok().and_then(|info| info.verified_instruction_count());
    log::debug!("load {name} verified={}", count.unwrap_or(0));
}

/// Does a step, and logs how long it took: the verifier and the kernel's patching of its own code
/// are most of the time that a start takes.
fn timed<T>(step: &str, name: &str, work: impl FnOnce() -> Result<T, ProgramError>) -> Result<T> {
    let start = Instant::now();
    let done = work().with_context(|| format!("{step} {name}"))?;
    log::debug!("{step} {name} ms={}", start.elapsed().as_millis());
    Ok(done)
}
