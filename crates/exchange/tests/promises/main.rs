//! What the use-cases promise, each promise broken on purpose: several nodes over stores in memory, no network, a clock
//! that is turned by hand.

#[cfg(test)]
mod abandoned;
#[cfg(test)]
mod answer;
#[cfg(test)]
mod ask;
#[cfg(test)]
mod backlog;
#[cfg(test)]
mod chain_faults;
#[cfg(test)]
mod comparing;
#[cfg(test)]
mod consult;
#[cfg(test)]
mod denied;
#[cfg(test)]
mod doubt;
#[cfg(test)]
mod equivocation;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fetched;
#[cfg(test)]
mod follow;
#[cfg(test)]
mod import;
#[cfg(test)]
mod ingest;
#[cfg(test)]
mod invitation;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod links;
#[cfg(test)]
mod onboarding;
#[cfg(test)]
mod playbook;
#[cfg(test)]
mod protection;
#[cfg(test)]
mod publishing;
#[cfg(test)]
mod quarantine;
#[cfg(test)]
mod races;
#[cfg(test)]
mod resign;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod staleness;
#[cfg(test)]
mod standing;
#[cfg(test)]
mod turning;
