//! Which names of roles mean which role.

use crate::record::Role;

/// Names of roles in public data sets, in lower case. A name that means different roles in different
/// sets is left to `parse.roles`.
const NAMES: &[(Role, &[&str])] = &[
    (Role::System, &["instruction", "meta", "system", "system_message", "system_prompt", "系统"]),
    (Role::Developer, &["developer"]),
    (
        Role::User,
        &[
            "client",
            "customer",
            "human",
            "instructor",
            "interviewer",
            "patient",
            "person",
            "prompter",
            "question",
            "questioner",
            "seeker",
            "speaker",
            "student",
            "usr",
            "user",
            "来访者",
            "求助者",
            "用户",
        ],
    ),
    (
        Role::Assistant,
        &[
            "agent",
            "ai",
            "answer",
            "assistant",
            "bard",
            "bing",
            "bot",
            "chatbot",
            "chatgpt",
            "claude",
            "coach",
            "counsellor",
            "counselor",
            "doctor",
            "function_call",
            "gemini",
            "gpt",
            "gpt-3.5",
            "gpt-4",
            "interviewee",
            "listener",
            "llm",
            "model",
            "moss",
            "supporter",
            "teacher",
            "therapist",
            "tool_call",
            "tutor",
            "助手",
            "咨询师",
            "支持者",
        ],
    ),
    (
        Role::Tool,
        &[
            "api",
            "function",
            "function_output",
            "function_response",
            "function_result",
            "ipython",
            "observation",
            "tool",
            "tool_output",
            "tool_response",
            "tool_result",
        ],
    ),
    (Role::Text, &["text"]),
];

/// The role that a name stands for. Case and surrounding white space are ignored.
pub fn role(name: &str) -> Option<Role> {
    match name {
        "user" | "human" => return Some(Role::User),
        "assistant" | "gpt" => return Some(Role::Assistant),
        "system" => return Some(Role::System),
        "tool" => return Some(Role::Tool),
        _ => {}
    }
    let name = name.trim();
    if name.len() > 32 {
        return None;
    }
    let lower = name.to_lowercase();
    NAMES.iter().find(|(_, names)| names.contains(&lower.as_str())).map(|(role, _)| *role)
}

/// Every name that is mapped, with its role: the table of the reference page.
pub fn table() -> impl Iterator<Item = (&'static str, Role)> {
    NAMES.iter().flat_map(|(role, names)| names.iter().map(|name| (*name, *role)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_lower_case() {
        let mut seen = std::collections::BTreeSet::new();
        for (_, names) in NAMES {
            for name in *names {
                assert_eq!(*name, name.to_lowercase());
                assert!(seen.insert(*name), "{name} stands twice");
            }
        }
    }

    #[test]
    fn the_names_of_the_issue_are_known() {
        let cases = [
            ("human", Role::User),
            ("gpt", Role::Assistant),
            ("bot", Role::Assistant),
            ("client", Role::User),
            ("counselor", Role::Assistant),
            (" User ", Role::User),
            ("function", Role::Tool),
        ];
        for (name, expected) in cases {
            assert_eq!(role(name), Some(expected), "{name}");
        }
        assert_eq!(role("narrator"), None);
    }
}
