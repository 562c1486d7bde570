//! Socket addresses, as the kernel took them from the caller or gives them to it: where net/socket.c
//! calls audit_sockaddr.

use aya_ebpf::{
    macros::{kprobe, kretprobe},
    programs::{ProbeContext, RetProbeContext},
};
use sensor_ebpf::{config::SOCKADDR, fields::Field, wire::tag};

use crate::{
    kernel::{Ptr, load_user},
    slot::{self, Slot},
};

/// `Slot::saved`: address and length while move_addr_to_kernel runs. Not the places of names: none of
/// those functions runs meanwhile, but their returns may have been missed.
const ADDRESS: usize = 2;
const LENGTH: usize = 3;

#[inline(always)]
fn other() -> Option<&'static mut Slot> {
    let slot = slot::under_way()?;
    slot.is_other().then_some(slot)
}

#[inline(always)]
fn put_address(slot: &mut Slot, address: Ptr, len: u64) {
    if let Some(start) = slot.begin() {
        slot.push_kernel_bytes::<SOCKADDR>(address, len);
        slot.end(start, tag::SOCKADDR, 0);
    }
}

/// match-proto: int move_addr_to_kernel(void __user *uaddr, int ulen, struct sockaddr_storage *kaddr)
#[kprobe]
pub(crate) fn kprobe_move_addr_to_kernel(ctx: ProbeContext) -> u32 {
    if let Some(slot) = other() {
        slot.saved[ADDRESS] = ctx.arg(2).unwrap_or(0);
        slot.saved[LENGTH] = ctx.arg::<u64>(1).unwrap_or(0) & 0xffff_ffff;
    }
    0
}

/// Nothing is told of an empty address, or one that was refused.
#[kretprobe]
pub(crate) fn kretprobe_move_addr_to_kernel(ctx: RetProbeContext) -> u32 {
    if let Some(slot) = other() {
        let (address, len) = (slot.saved[ADDRESS], slot.saved[LENGTH]);
        if ctx.ret::<u64>() as i32 == 0 && len > 0 && len <= SOCKADDR as u64 {
            put_address(slot, Ptr(address), len);
        }
    }
    0
}

/// `__sys_connect_file`, `security_socket_bind`: address and length are the arguments after the first.
/// match-proto: int __sys_connect_file(struct file *file, struct sockaddr_storage *address, int addrlen, int file_flags)
#[kprobe]
pub(crate) fn kprobe_socket_address(ctx: ProbeContext) -> u32 {
    // io_uring takes an address by move_addr_to_kernel always, and maybe before, in another task.
    if let Some(slot) = other().filter(|slot| !slot.is_uring()) {
        let len = ctx.arg::<u64>(2).unwrap_or(0) & 0xffff_ffff;
        if len > 0 && len <= SOCKADDR as u64 {
            put_address(slot, Ptr(ctx.arg(1).unwrap_or(0)), len);
        }
    }
    0
}

/// match-proto: int security_socket_sendmsg(struct socket *sock, struct msghdr *msg, int size)
#[kprobe]
pub(crate) fn kprobe_socket_sendmsg(ctx: ProbeContext) -> u32 {
    if let Some(slot) = other() {
        let message = Ptr(ctx.arg(1).unwrap_or(0));
        let address = message.follow(Field::MsghdrName);
        let len = u64::from(message.read::<u32>(Field::MsghdrNamelen));
        if !address.is_null() && len > 0 && len <= SOCKADDR as u64 {
            put_address(slot, address, len);
        }
    }
    0
}

/// match-proto: int move_addr_to_user(struct sockaddr_storage *kaddr, int klen, void __user *uaddr, int __user *ulen)
#[kprobe]
pub(crate) fn kprobe_move_addr_to_user(ctx: ProbeContext) -> u32 {
    if let Some(slot) = other() {
        let arg = |n| ctx.arg::<u64>(n).unwrap_or(0);
        let len = arg(1) & 0xffff_ffff;
        let wanted = load_user::<i32>(arg(3));
        if wanted > 0 && len > 0 && len <= SOCKADDR as u64 {
            put_address(slot, Ptr(arg(0)), len);
        }
    }
    0
}
