//! What runs when the machine starts, or when somebody signs in.

use super::{stem, units};

/// How it is made to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookKind {
    /// An S link (or file) of a SysV run level.
    RunLevelLink,
    /// A script of SysV init's, rc.local, /etc/local.d.
    InitScript,
    /// inittab(5), upstart's jobs.
    InitTable,
    /// OpenRC: a link in /etc/runlevels.
    OpenRcLink,
    /// A unit of systemd's.
    Unit,
    /// A part that changes a unit: NAME.d/*.conf.
    UnitDropIn,
    /// A link in TARGET.wants, .requires, .upholds.
    UnitLink,
    /// systemd.generator(7): a program that runs before any unit.
    Generator,
    /// What a shell reads when it starts.
    Profile,
    /// /etc/ld.so.preload: a library in every process.
    Preload,
    /// Modules to load, and programs to run instead.
    Modules,
    /// udev(7): a program when a device comes.
    Udev,
    /// How the kernel is started.
    BootLoader,
    /// Desktop autostart.
    Autostart,
    /// A script that network changes run.
    NetworkHook,
}

impl HookKind {
    /// As rules see it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RunLevelLink => "run-level-link",
            Self::InitScript => "init-script",
            Self::InitTable => "init-table",
            Self::OpenRcLink => "openrc-link",
            Self::Unit => "unit",
            Self::UnitDropIn => "unit-drop-in",
            Self::UnitLink => "unit-link",
            Self::Generator => "generator",
            Self::Profile => "profile",
            Self::Preload => "preload",
            Self::Modules => "modules",
            Self::Udev => "udev",
            Self::BootLoader => "boot-loader",
            Self::Autostart => "autostart",
            Self::NetworkHook => "network-hook",
        }
    }
}

/// A start-up hook, as its path tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// How it runs.
    pub kind: HookKind,
    /// Run level or target it hangs on: `1`, `S`, `rescue.target`; what the content says comes besides.
    pub level: Option<Vec<u8>>,
}

fn of(kind: HookKind) -> Option<Hook> {
    Some(Hook { kind, level: None })
}

fn at(kind: HookKind, level: &[u8]) -> Option<Hook> {
    let level = Some(level.to_vec());
    Some(Hook { kind, level })
}

pub(super) fn hook(parts: &[&[u8]]) -> Option<Hook> {
    systemd(parts).or_else(|| match parts {
        [b"etc", rest @ ..] => sysv(rest).or_else(|| etc(rest)),
        [b"boot", b"grub" | b"grub2", b"grub.cfg"] | [b"boot", b"loader", b"entries", _] => {
            of(HookKind::BootLoader)
        }
        [b"run" | b"lib", b"udev", b"rules.d", _] => of(HookKind::Udev),
        [b"lib" | b"run", b"modules-load.d" | b"modprobe.d", _] => of(HookKind::Modules),
        [b"lib", b"NetworkManager", b"dispatcher.d", ..] => of(HookKind::NetworkHook),
        [b"root", name] | [b"home", _, name] if is_profile(name) => of(HookKind::Profile),
        [b"root", b".config", b"autostart", _] | [b"home", _, b".config", b"autostart", _] => {
            of(HookKind::Autostart)
        }
        _ => None,
    })
}

fn is_profile(name: &[u8]) -> bool {
    matches!(
        name,
        b".profile"
            | b".bashrc"
            | b".bash_profile"
            | b".bash_login"
            | b".bash_logout"
            | b".zshrc"
            | b".zprofile"
            | b".zshenv"
            | b".zlogin"
            | b".xprofile"
            | b".xsessionrc"
            | b".pam_environment"
    )
}

/// Run levels: below /etc. K links stop a service and are made for nearly every daemon.
fn sysv(parts: &[&[u8]]) -> Option<Hook> {
    let parts = match parts {
        [b"rc.d" | b"init.d", b"boot.d", rest @ ..] => return boot(rest),
        [b"rc.d" | b"init.d", _, _] => &parts[1..],
        _ => parts,
    };
    match parts {
        [directory, name] => {
            let level = stem(directory.strip_prefix(b"rc")?, b".d")?;
            let known = matches!(level, [b'0'..=b'6' | b'S' | b's']);
            (known && name.starts_with(b"S"))
                .then(|| at(HookKind::RunLevelLink, &level.to_ascii_uppercase()))
                .flatten()
        }
        _ => None,
    }
}

/// SUSE's /etc/init.d/boot.d.
fn boot(parts: &[&[u8]]) -> Option<Hook> {
    match parts {
        [name] if name.starts_with(b"S") => at(HookKind::RunLevelLink, b"S"),
        _ => None,
    }
}

fn etc(parts: &[&[u8]]) -> Option<Hook> {
    match parts {
        // These run for single-user mode, whatever they say themselves.
        [b"init.d", b"rcS" | b"single" | b"boot.local"]
        | [b"rc.d", b"rc.S" | b"rc.K" | b"rc.sysinit"] => at(HookKind::InitScript, b"S"),
        [b"init.d" | b"rc.d" | b"local.d", _] | [b"rc.local" | b"rc.common"] => {
            of(HookKind::InitScript)
        }
        [b"inittab"] | [b"init", _] => of(HookKind::InitTable),
        [b"runlevels", level, _] => at(HookKind::OpenRcLink, level),
        [
            b"profile" | b"bash.bashrc" | b"bashrc" | b"zshrc" | b"zshenv" | b"zprofile"
            | b"environment",
        ]
        | [b"profile.d" | b"bash_completion.d", _]
        | [b"zsh", _] => of(HookKind::Profile),
        [b"ld.so.preload"] | [b"ld.so.conf"] | [b"ld.so.conf.d", _] => of(HookKind::Preload),
        [b"modules"] | [b"modules-load.d" | b"modprobe.d", _] => of(HookKind::Modules),
        [b"initramfs-tools", b"modules" | b"hooks" | b"scripts", ..] => of(HookKind::Modules),
        [b"udev", b"rules.d", _] => of(HookKind::Udev),
        [b"default", b"grub"] | [b"default", b"grub.d", _] | [b"grub.d", _] => {
            of(HookKind::BootLoader)
        }
        [b"xdg", b"autostart", _] => of(HookKind::Autostart),
        [b"NetworkManager", b"dispatcher.d", ..]
        | [
            b"dhcp",
            b"dhclient-enter-hooks.d" | b"dhclient-exit-hooks.d" | b"dhclient.d",
            _,
        ]
        | [
            b"network",
            b"if-up.d" | b"if-down.d" | b"if-pre-up.d" | b"if-post-down.d",
            _,
        ] => of(HookKind::NetworkHook),
        _ => None,
    }
}

fn systemd(parts: &[&[u8]]) -> Option<Hook> {
    if let [.., b"systemd", kind, _] = parts
        && matches!(
            *kind,
            b"system-generators" | b"user-generators" | b"system-environment-generators"
        )
    {
        return of(HookKind::Generator);
    }
    let (_, rest) = units(parts)?;
    match rest {
        [name] if is_unit(name) => of_unit(HookKind::Unit, name),
        [directory, name] => {
            for ending in [&b".wants"[..], b".requires", b".upholds"] {
                if let Some(target) = stem(directory, ending) {
                    return at(HookKind::UnitLink, target);
                }
            }
            let unit = stem(directory, b".d").filter(|unit| is_unit(unit))?;
            let conf = stem(name, b".conf").is_some();
            conf.then(|| of_unit(HookKind::UnitDropIn, unit)).flatten()
        }
        _ => None,
    }
}

/// A unit of single-user mode hangs on it by its own name.
fn of_unit(kind: HookKind, unit: &[u8]) -> Option<Hook> {
    let unit_stem = unit.split(|b| *b == b'.').next().unwrap_or(unit);
    if matches!(
        unit_stem,
        b"rescue" | b"emergency" | b"runlevel1" | b"debug-shell"
    ) {
        return at(kind, unit);
    }
    of(kind)
}

fn is_unit(name: &[u8]) -> bool {
    [
        &b".service"[..],
        b".socket",
        b".path",
        b".target",
        b".mount",
        b".automount",
        b".device",
    ]
    .iter()
    .any(|ending| stem(name, ending).is_some())
}
