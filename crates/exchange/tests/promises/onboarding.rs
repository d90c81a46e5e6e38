//! How a participant becomes a peer, and that nothing passes before.

use selat_exchange::ExchangeError;
use selat_record::pb::AuditAction;
use selat_store::repositories::PeerState;

use crate::kit::{Federation, Node, Party, by_name, operator, person};

async fn two() -> (Federation, Node, Node) {
    let federation = Federation::new();
    let (aus, idn) = (federation.node("AUS").await, federation.node("IDN").await);
    (federation, aus, idn)
}

async fn join_by_file(node: &Node, other: &Node) {
    let file = other.invite(&operator()).await.unwrap();
    let invitation = node.read_invitation(&file).unwrap();
    node.accept_invitation(&operator(), invitation).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_read_the_same_twelve_words() {
    let (federation, aus, idn) = two().await;
    join_by_file(&aus, &idn).await;
    join_by_file(&idn, &aus).await;
    assert_eq!(aus.words_for(idn.id()), idn.words_for(aus.id()));
    let mys = federation.node("MYS").await;
    join_by_file(&aus, &mys).await;
    assert_ne!(aus.words_for(idn.id()), aus.words_for(mys.id()), "the words are of the pair");
}

#[tokio::test(flavor = "multi_thread")]
async fn approval_takes_the_words_in_any_case_and_is_kept_with_its_channel() {
    let (federation, aus, idn) = two().await;
    join_by_file(&aus, &idn).await;
    let words: Vec<_> = aus.words_for(idn.id()).iter().map(|word| format!(" {} ", word.to_uppercase())).collect();
    aus.approve(&operator(), idn.id(), &words, "telephone").await.unwrap();
    let aus = federation.restart(&aus).await;
    let book = aus.book();
    let row = &book.peer(idn.id()).unwrap().row;
    assert_eq!(row.state, PeerState::Approved);
    let approval = row.approval.as_ref().unwrap();
    assert_eq!((approval.by.as_str(), approval.channel.as_str()), ("operator-1", "telephone"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_words_are_refused_and_audited() {
    let (_, aus, idn) = two().await;
    join_by_file(&aus, &idn).await;
    let right = aus.words_for(idn.id());
    let mut swapped = right.clone();
    swapped.swap(0, 1);
    let (mut one_more, mut one_less) = (right.clone(), right.clone());
    one_more.push("zoo".into());
    one_less.pop();
    for words in [swapped, one_more, one_less, Vec::new()] {
        let refused = aus.approve(&operator(), idn.id(), &words, "telephone").await;
        assert!(matches!(refused, Err(ExchangeError::PhraseMismatch)), "{refused:?}");
        let entry = aus.audited().await.pop().unwrap();
        assert_eq!((entry.action(), entry.note.as_str()), (AuditAction::Administration, "the phrase did not match"));
        assert_eq!(entry.participants, ["IDN"]);
    }
    assert!(aus.book().approved_peer(idn.id()).is_err());
    let nameless = aus.approve(&operator(), idn.id(), &right, " ").await;
    assert!(matches!(nameless, Err(ExchangeError::Invalid(_))), "{nameless:?}");
    assert!(aus.book().approved_peer(idn.id()).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn own_descriptor_is_refused() {
    let (_, aus, _) = two().await;
    let own = aus.join(&operator(), aus.descriptor().as_ref().clone()).await;
    assert!(matches!(own, Err(ExchangeError::PeerState { .. })), "{own:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_descriptor_replaces_a_pending_one_and_never_an_approved_one() {
    let (_, aus, idn) = two().await;
    let (first, second) = (Party::new("IDN").descriptor(1), Party::new("IDN").descriptor(2));
    aus.join(&operator(), first.clone()).await.unwrap();
    let commits = aus.bench.commits();
    aus.join(&operator(), first.clone()).await.unwrap();
    assert_eq!(aus.bench.commits(), commits, "the same again changes nothing");
    aus.join(&operator(), second.clone()).await.unwrap();
    assert_eq!(aus.book().peer(idn.id()).unwrap().descriptor.content_id(), second.content_id());
    aus.approve_by_phone(idn.id()).await;
    let refused = aus.join(&operator(), first).await;
    assert!(matches!(refused, Err(ExchangeError::PeerState { .. })), "{refused:?}");
    aus.join(&operator(), second).await.unwrap();
    assert!(aus.book().approved_peer(idn.id()).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_were_read_for_another_descriptor_do_not_approve() {
    let (_, aus, idn) = two().await;
    aus.join(&operator(), Party::new("IDN").descriptor(2)).await.unwrap();
    let of_impostor = aus.words_for(idn.id());
    join_by_file(&aus, &idn).await;
    let refused = aus.approve(&operator(), idn.id(), &of_impostor, "telephone").await;
    assert!(matches!(refused, Err(ExchangeError::PhraseMismatch)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_is_no_descriptor_is_refused() {
    let (_, aus, idn) = two().await;
    let file = idn.invite(&operator()).await.unwrap();
    let middle = file.len() / 2;
    for text in [String::new(), "hello".into(), file[..middle].to_owned(), file.replacen('A', "B", 1)] {
        let refused = aus.read_invitation(&text);
        assert!(matches!(refused, Err(ExchangeError::Descriptor(_) | ExchangeError::Seal(_))), "{refused:?}");
    }
    aus.read_invitation(&file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_passes_before_this_side_has_approved() {
    let (_, aus, idn) = two().await;
    join_by_file(&aus, &idn).await;
    join_by_file(&idn, &aus).await;
    idn.approve_by_phone(aus.id()).await;
    let receipt = aus.hold(person("Budi Contoh")).await;
    assert!(receipt.releases.is_empty());
    assert!(matches!(aus.segment_for(idn.id(), 0).await, Err(ExchangeError::PeerState { .. })));
    assert!(aus.asked_by(&idn, &idn.query(aus.id(), by_name("Budi Contoh"))).await.is_err());
    assert_eq!(aus.release_log_size(idn.id()).await.unwrap(), 0);
    aus.approve_by_phone(idn.id()).await;
    assert!(aus.segment_for(idn.id(), 0).await.unwrap().is_none());
    assert_eq!(aus.release_backlog(idn.id()).await.unwrap(), 1);
    assert_eq!(idn.follow(&aus).await.unwrap().accepted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn participant_nobody_brought_in_is_unknown() {
    let (_, aus, idn) = two().await;
    assert!(matches!(aus.fingerprint(&operator(), idn.id()), Err(ExchangeError::UnknownPeer(_))));
    assert!(matches!(aus.segment_for(idn.id(), 0).await, Err(ExchangeError::UnknownPeer(_))));
}
