use super::*;

#[test]
fn placeholder() {
    let mut parser = Parser::default();
    assert!(parser.line(b"x").is_err());
}
