//! What systemd is told; nothing happens without it.

use sd_notify::NotifyState;

pub(super) fn ready() {
    say(&[NotifyState::Ready]);
}

pub(super) fn stopping() {
    say(&[NotifyState::Stopping]);
}

fn say(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
