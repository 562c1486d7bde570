//! Socket addresses under the tracepoint plan: from the caller's memory when the call ends, where the
//! kernel took them from or put them (net/socket.c). What the kernel put there may be a part only.

use sensor_ebpf::{
    calls::{address, other},
    config::SOCKADDR,
    wire::{flag, tag},
};

use crate::{arch, kernel::load_user, slot::Slot};

/// `Slot::saved`: the room that the caller had for an address when the call began.
const ROOM: usize = 3;

/// Most messages that one sendmmsg sends: UIO_MAXIOV.
const MESSAGES: u64 = 1024;

/// Where an address is, and its length or, where the kernel gives it, where that is.
struct Place {
    class: u32,
    address: u64,
    length: u64,
}

#[inline(always)]
fn place(slot: &Slot, shape: u32, message: u64) -> Place {
    let call = &slot.prefix.call;
    let compat = call.arch == arch::ARCHES[1];
    let mut class = shape >> other::ADDRESS & 7;
    let in_memory = shape & other::ARGUMENTS != 0;
    if in_memory {
        class = address::of_socketcall(call.args[0]);
    }
    let last = class == address::TAKEN_LAST || class == address::GIVEN_LAST;
    let (mut address, mut length) = if last {
        (call.args[4], call.args[5])
    } else {
        (call.args[1], call.args[2])
    };
    if in_memory {
        let words = call.args[1] + if last { 16 } else { 4 };
        address = load_user::<u32>(words).into();
        length = load_user::<u32>(words + 4).into();
    }
    // struct user_msghdr, and struct mmsghdr around it.
    if class >= address::TAKEN_MESSAGE {
        let header = address + message * if compat { 32 } else { 64 };
        if compat {
            address = load_user::<u32>(header).into();
            length = header + 4;
        } else {
            address = load_user(header);
            length = header + 8;
        }
        if class == address::TAKEN_MESSAGE {
            length = load_user::<u32>(length).into();
        }
    }
    Place {
        class,
        address,
        length,
    }
}

/// The call begins.
#[inline(always)]
pub(crate) fn entered(slot: &mut Slot, shape: u32) {
    let place = place(slot, shape, 0);
    if address::is_given(place.class) {
        slot.saved[ROOM] = load_user::<u32>(place.length).into();
    }
}

/// The call ends: SOCKADDR, if the kernel came as far as an address.
#[inline(always)]
pub(crate) fn finish(slot: &mut Slot, shape: u32) {
    let ret = slot.prefix.call.ret;
    let message = if shape & other::MANY != 0 && ret > 0 {
        ret as u64 - 1 & (MESSAGES - 1)
    } else {
        0
    };
    let Place {
        class,
        address,
        length,
    } = place(slot, shape, message);
    if class == 0 || address == 0 {
        return;
    }
    let full = SOCKADDR as i32;
    let mut len = length as i32;
    let mut flags = flag::FROM_USER;
    if address::is_given(class) {
        if ret < 0 {
            return;
        }
        let room = slot.saved[ROOM] as i32;
        len = load_user(length);
        if len > room {
            flags |= flag::TRUNCATED;
            len = room;
        }
    } else if class == address::TAKEN_MESSAGE && len > full {
        len = full;
    }
    if len <= 0 || len > full {
        return;
    }
    if let Some(start) = slot.begin() {
        if slot.push_user_bytes::<SOCKADDR>(address, len as u64) == 0 {
            slot.cancel(start);
        } else {
            slot.end(start, tag::SOCKADDR, flags);
        }
    }
}
