//! The Kubernetes API server's own audit log, made into events of ours.
//!
//! - [`audit`] reads `audit.k8s.io/v1`: the `EventList`s that an audit webhook is sent, and the log file, an `Event` a line.
//! - [`group`] puts together what is likely to be one command of one person.
//!
//! *Not here*: what was typed. `kubectl` says that in headers (`Kubectl-Command`, `Kubectl-Session`) which the audit log
//! does not carry, so `kubeEnglishCommand` is `N/A`, and the grouping is marked as the guess that it is. Nor is what was
//! typed within an `exec`: the audit log has only the command that was started.

pub mod audit;
pub mod group;
#[cfg(test)]
mod tests;
