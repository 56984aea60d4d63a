// Package seal keeps secrets: it seals what must be read again, keeps a digest
// of what must only be recognised, and hashes what people remember.
//
//   - A Ring holds the installation's keys in one file beside the database.
//     The last key writes, every key reads, so keys can be changed while
//     several nodes run (CR-03). Each purpose has its own key (CR-07).
//   - Seal and Open encrypt a column value and bind it to its place, so that a
//     value copied into another row does not open (CR-04).
//   - Tokens and recovery codes are random enough for a fast digest; a dump of
//     the database holds neither (RC-02).
//   - A Hasher turns passwords into argon2id hashes, few at a time, because
//     each takes 19 MiB.
//
// Everything fails closed: what cannot be read is an error, never a guess.
package seal
