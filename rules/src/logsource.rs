//! Which observations a rule's `logsource` asks for; one that nothing here can answer is refused.
use crate::{category::Category, sigma::rule::LogSource};

/// Services of Linux that public rules name, and why they can't be had.
const SERVICES: &[(&str, &str)] = &[
    ("auth", "use category authentication"),
    (
        "sshd",
        "use category authentication, with ClaimedImage ending in /sshd",
    ),
    (
        "sudo",
        "use category authentication, with MessageType USER_CMD",
    ),
    (
        "cron",
        "use category file_event for crontabs, process_creation for what cron runs",
    ),
    ("syslog", "use category process_creation"),
    ("clamav", "use category process_creation"),
    ("guacamole", "use category network_connection"),
    ("vsftpd", "use category network_connection"),
    ("modsecurity", "use category process_creation"),
];

/// What is wrong, and the key of the rule that it is about.
pub(crate) type Problem = (&'static str, String);

/// The category that the rule is about.
pub(crate) fn category(source: &LogSource) -> Result<Category, Problem> {
    if let Some(other) = source.product.as_deref().filter(|p| *p != "linux") {
        return Err(("product", format!("product {other}: only linux is seen")));
    }
    match (source.service.as_deref(), source.category.as_deref()) {
        (Some("auditd"), None) => Ok(Category::Auditd),
        (Some("auditd"), Some(name)) => {
            let problem = format!("service auditd has no category; leave {name} out");
            Err(("category", problem))
        }
        (Some(service), _) => Err(("service", no_service(service))),
        (None, Some(name)) => named(name),
        (None, None) => {
            let problem = "no logsource category, nor service: auditd; one of them says which events are meant";
            Err(("logsource", problem.to_owned()))
        }
    }
}

fn no_service(service: &str) -> String {
    let known = SERVICES.iter().find(|(name, _)| *name == service);
    let instead = known.map_or("the only service is auditd", |(_, instead)| instead);
    format!("service {service}: the sensor reads no service's log; {instead}")
}

fn named(name: &str) -> Result<Category, Problem> {
    if name == Category::Auditd.name() {
        let problem = "auditd is a service: write service: auditd".to_owned();
        return Err(("category", problem));
    }
    let Some(category) = Category::parse(name) else {
        let known: Vec<&str> = known().map(Category::name).collect();
        let known = known.join(", ");
        let problem = format!("unknown category {name}; known: {known}");
        return Err(("category", problem));
    };
    match category.unfilled() {
        Some(why) => Err(("category", format!("category {name}: {why}"))),
        None => Ok(category),
    }
}

/// The categories that a rule may ask for.
fn known() -> impl Iterator<Item = Category> {
    let all = Category::ALL.into_iter();
    all.filter(|c| *c != Category::Auditd && c.unfilled().is_none())
}
