//! Accounts: the messages that programs send over NETLINK_AUDIT (sshd, login, sudo, useradd …), taken
//! where the kernel receives them, whether audit is enabled or not; and login uids.

use aya_ebpf::{
    bindings::BPF_ANY,
    helpers::generated::{bpf_probe_read_kernel, bpf_probe_read_kernel_str},
    macros::{kprobe, kretprobe, map},
    maps::LruHashMap,
    programs::{ProbeContext, RetProbeContext},
};
use sensor_ebpf::{
    config::{LABEL, MESSAGE},
    fields::Field,
    loss::cause,
    wire::{LoginFacts, MessageFacts, kind, tag},
};

use crate::{
    call,
    hooks::other::FORCED,
    kernel::{Ptr, current, entry_registers},
    output,
    slot::{self, bound},
    subject, task,
};

/// AUDIT_USER; AUDIT_FIRST_USER_MSG to AUDIT_LAST_USER_MSG, and the second range:
/// include/uapi/linux/audit.h.
const USER_MESSAGES: [(u32, u32); 3] = [(1005, 1005), (1100, 1199), (2100, 2999)];
/// NLMSG_HDRLEN
const HEADER: u32 = 16;

/// `task_struct` address → `nlmsghdr` of the message that the kernel is looking at.
#[map]
static MESSAGES: LruHashMap<u64, u64> = LruHashMap::with_max_entries(1024, 0);

/// match-proto: int audit_receive_msg(struct sk_buff *skb, struct nlmsghdr *nlh, bool *ack)
#[kprobe]
pub(crate) fn kprobe_audit_receive_msg(ctx: ProbeContext) -> u32 {
    let nlh = Ptr(ctx.arg(1).unwrap_or(0));
    let kind = u32::from(nlh.read::<u16>(Field::NlmsgType));
    if USER_MESSAGES
        .iter()
        .any(|(first, last)| kind >= *first && kind <= *last)
    {
        let _counted_by_no_exit = MESSAGES.insert(current().0, nlh.0, u64::from(BPF_ANY));
    }
    0
}

/// A message that the kernel took: the sender may send, the text is not empty.
#[kretprobe]
pub(crate) fn kretprobe_audit_receive_msg(ctx: RetProbeContext) -> u32 {
    let task = current().0;
    let Some(nlh) = MESSAGES.get_ptr(task) else {
        return 0;
    };
    // SAFETY: not null; map values stay readable.
    let nlh = Ptr(unsafe { *nlh });
    let _gone = MESSAGES.remove(task);
    if ctx.ret::<u64>() as i32 == 0 {
        send(nlh);
    }
    0
}

/// What all but a few messages need of room.
const SHORT: usize = 1024;

fn send(nlh: Ptr) {
    let len = nlh.read::<u32>(Field::NlmsgLen).saturating_sub(HEADER);
    if len as usize > MESSAGE {
        output::count(kind::MESSAGE, cause::TRUNCATED);
    }
    let len = u64::from(len);
    if len <= SHORT as u64 {
        submit::<SHORT, { size_of::<MessageFacts>() + LABEL + SHORT }>(nlh, len);
    } else {
        submit::<MESSAGE, { size_of::<MessageFacts>() + LABEL + MESSAGE }>(nlh, len);
    }
}

/// A record of RECORD bytes, TEXT of them for the text: a reservation's size is a constant.
#[inline(always)]
fn submit<const TEXT: usize, const RECORD: usize>(nlh: Ptr, len: u64) {
    let header = output::header(kind::MESSAGE, RECORD as u32, 0, output::now());
    let room = output::reserve(RECORD as u64);
    if room.is_null() {
        output::count(kind::MESSAGE, cause::RING_FULL);
        return;
    }
    let len = bound::<TEXT>(len.min(TEXT as u64));
    let subj = subject::name_in(current().follow(Field::TaskCred));
    // SAFETY: `room` is RECORD bytes, 8-aligned, and written as MessageFacts, LABEL bytes, at most TEXT
    // bytes, which is its size; the helpers check their sources; it is not used after it is submitted.
    unsafe {
        let facts = room.cast::<MessageFacts>();
        (*facts).header = header;
        task::fill(&mut (*facts).task, current());
        (*facts).kind = nlh.read::<u16>(Field::NlmsgType).into();
        (*facts).len = len as u32;
        (*facts).reserved = [0; 2];
        let label = room.add(size_of::<MessageFacts>());
        label.write(0);
        if !subj.is_null() {
            bpf_probe_read_kernel_str(label.cast(), LABEL as u32, subj.0 as *const _);
        }
        let text = label.add(LABEL);
        let from = nlh.add(HEADER as usize).0 as *const _;
        if bpf_probe_read_kernel(text.cast(), len as u32, from) != 0 {
            output::count(kind::MESSAGE, cause::READ_FAILED);
        }
        output::submit(room);
    }
}

/// `Slot::marks`: the write is in no rule; its slot is for the login uid alone.
const OWN: u64 = 1 << 32;

/// match-proto: int audit_set_loginuid(kuid_t loginuid)
#[kprobe]
pub(crate) fn kprobe_audit_set_loginuid(ctx: ProbeContext) -> u32 {
    if slot::under_way().is_none() {
        let regs = entry_registers();
        call::enter_forced(regs);
        if let Some(slot) = slot::under_way() {
            slot.marks |= OWN;
        }
    }
    if let Some(slot) = slot::under_way() {
        let task = current();
        let old = |field| u64::from(task.read::<u32>(field));
        slot.saved[1] = ctx.arg::<u64>(0).unwrap_or(0) & 0xffff_ffff;
        slot.saved[2] = old(Field::TaskLoginuid);
        slot.saved[3] = old(Field::TaskSessionid);
    }
    0
}

#[kretprobe]
pub(crate) fn kretprobe_audit_set_loginuid(ctx: RetProbeContext) -> u32 {
    let Some(slot) = slot::under_way() else {
        return 0;
    };
    let err = ctx.ret::<u64>() as i32;
    let ses = if err == 0 {
        current().read(Field::TaskSessionid)
    } else {
        u32::MAX
    };
    let [_, auid, old_auid, old_ses] = slot.saved;
    let facts = LoginFacts {
        old_auid: old_auid as u32,
        auid: auid as u32,
        old_ses: old_ses as u32,
        ses,
        err,
        reserved: 0,
    };
    slot.put(tag::LOGIN, 0, &facts);
    slot.marks |= FORCED;
    if slot.marks & OWN != 0 {
        // What proc_loginuid_write will return.
        let count = slot.prefix.call.args[2] as i64;
        call::exit_known::<{ kind::OTHER }>(if err == 0 { count } else { err.into() });
    }
    0
}
