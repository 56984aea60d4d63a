package auth_test

import (
	"slices"
	"testing"
	"time"

	"portal"
	"portal/internal/auth"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

// ask asks for an address and returns the token that came to it.
func (s scene) ask(t *testing.T, p *house.Person, slot auth.Slot, address string) string {
	t.Helper()
	p.Take(s.Auth.ChangeAddress(t.Context(), p.Actor(), slot, address, p.Proof()))
	letters := s.LettersOf(t, p.Login, portal.MailConfirmAddress)
	last := letters[len(letters)-1]
	if last.To != address || last.Alarm != "" {
		t.Fatalf("the link went to %q, want %q alone: %+v", last.To, address, last)
	}
	return last.Token
}

func (s scene) confirm(t *testing.T, token string) error {
	t.Helper()
	return s.Auth.ConfirmAddress(t.Context(), house.Origin(), token)
}

// to are whom letters of a kind went to, sorted.
func (s scene) to(t *testing.T, login string, kind portal.MailKind) (all []string) {
	t.Helper()
	for _, l := range s.LettersOf(t, login, kind) {
		all = append(all, l.To)
	}
	slices.Sort(all)
	return all
}

// addresses are where mail to a person goes, and shall go, as pages show it.
func (s scene) addresses(t *testing.T, login string) auth.Addresses {
	t.Helper()
	who, err := s.Store.CredentialsByLogin(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	at, err := s.Auth.AddressesOf(t.Context(), s.Store.View(who.CustomerID), who.ID)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func wantList(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// A new address counts only after its confirmation; the old one is told at
// once, with an alarm, and both are told then. A reset goes to the address that
// counts, as stored (LC-11). The link signs nobody in (AU-13).
func TestNewAddressCountsOnceConfirmed(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.person(t, "wendy")
		token := s.ask(t, p, auth.FirstAddress, "new@example.org")
		if told := s.LettersOf(t, "wendy", portal.MailAddressAsked); len(told) != 1 || told[0].To != "wendy@example.com" || told[0].Alarm == "" || told[0].Detail != "new@example.org" {
			t.Errorf("the old address reads %+v", told)
		}
		s.forget(t, "wendy")
		for range 2 {
			link, err := s.Auth.OpenLink(t.Context(), token)
			if err != nil || link.Purpose != auth.ForAddress || link.Address != "new@example.org" {
				t.Fatalf("%+v, %v", link, err)
			}
		}
		if at := s.addresses(t, "wendy"); at.First != "wendy@example.com" || !p.Signed() {
			t.Errorf("opening the link changed something: %+v", at)
		}
		if err := s.confirm(t, token); err != nil {
			t.Fatal(err)
		}
		if at := s.addresses(t, "wendy"); at != (auth.Addresses{First: "new@example.org"}) || p.Signed() {
			t.Errorf("confirmed: %+v, signed in %v", at, p.Signed())
		}
		wantList(t, "told of the change", s.to(t, "wendy", portal.MailAddressChanged), []string{"new@example.org", "wendy@example.com"})
		s.forget(t, "wendy")
		wantList(t, "resets", s.to(t, "wendy", portal.MailReset), []string{"new@example.org", "wendy@example.com"})
		refused(t, "again", s.confirm(t, token), portal.CodeNotFound)
	})
}

// A search finds the person by the address that counts.
func TestConfirmedAddressIsFound(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.person(t, "wendy")
		token := s.ask(t, p, auth.FirstAddress, "new@example.org")
		finds := func(search string) int {
			found, err := s.Store.View(s.acme.CustomerID).Users(t.Context(), store.UserQuery{Search: search, Limit: 9})
			if err != nil {
				t.Fatal(err)
			}
			return len(found)
		}
		if finds("new@example.org") != 0 {
			t.Error("found by an address that is not confirmed")
		}
		if err := s.confirm(t, token); err != nil {
			t.Fatal(err)
		}
		if finds("new@example.org") != 1 || finds("wendy@example.com") != 0 {
			t.Error("the search does not follow the address")
		}
	})
}

// A second address gets all mail once it is confirmed, and none after it was
// removed; both are told (LC-05).
func TestSecondAddress(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.person(t, "wendy")
		token := s.ask(t, p, auth.SecondAddress, "second@example.org")
		wantList(t, "told before it is confirmed", s.to(t, "wendy", portal.MailAddressAsked), []string{"wendy@example.com"})
		if err := s.confirm(t, token); err != nil {
			t.Fatal(err)
		}
		p.SignIn()
		for _, same := range []string{"wendy@example.com", "WENDY@example.com", "Second@Example.ORG", "ｓecond@example.org"} {
			for _, slot := range []auth.Slot{auth.FirstAddress, auth.SecondAddress} {
				_, err := s.Auth.ChangeAddress(t.Context(), p.Actor(), slot, same, p.Proof())
				refused(t, same+" as "+string(slot), err, portal.CodeInvalid)
			}
		}
		both := []string{"second@example.org", "wendy@example.com"}
		wantList(t, "told once confirmed", s.to(t, "wendy", portal.MailAddressChanged), both)
		s.forget(t, "wendy")
		wantList(t, "reset link", s.to(t, "wendy", portal.MailReset), both)
		p.Take(s.Auth.ChangePassword(t.Context(), p.Actor(), p.Proof(), house.Password+" again"))
		wantList(t, "change of the password", s.to(t, "wendy", portal.MailPasswordChanged), both)
		p.Take(s.Auth.RemoveSecondAddress(t.Context(), p.Actor(), auth.Proof{Password: house.Password + " again"}))
		if at := s.addresses(t, "wendy"); at.Second != "" {
			t.Errorf("removed: %+v", at)
		}
		wantList(t, "told of the removal", s.to(t, "wendy", portal.MailAddressChanged), slices.Sorted(slices.Values(slices.Concat(both, both))))
		_, err := s.Auth.RemoveSecondAddress(t.Context(), p.Actor(), auth.Proof{Password: house.Password + " again"})
		refused(t, "removed twice", err, portal.CodeConflict)
	})
}

// What voids the link of an address, one by one (LC-10).
func TestAddressLinkDies(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		for name, end := range map[string]func(p *house.Person){
			"newer":    func(p *house.Person) { s.ask(t, p, auth.FirstAddress, "newer@example.org") },
			"given up": func(p *house.Person) { must(t, s.Auth.GiveAddressUp(t.Context(), p.Actor(), auth.FirstAddress)) },
			"run out":  func(*house.Person) { s.Clock.Advance(24 * time.Hour) },
			"password": func(p *house.Person) {
				p.Take(s.Auth.ChangePassword(t.Context(), p.Actor(), p.Proof(), house.Password+" again"))
			},
			"second": func(p *house.Person) { must(t, s.confirm(t, s.ask(t, p, auth.SecondAddress, "second@example.org"))) },
		} {
			p := s.person(t, "person-"+name[:3])
			token := s.ask(t, p, auth.FirstAddress, "new@example.org")
			end(p)
			refused(t, name, s.confirm(t, token), portal.CodeNotFound)
			if at := s.addresses(t, p.Login); at.First != p.Login+"@example.com" || (at.PendingFirst != "") != (name == "newer") {
				t.Errorf("%s: %+v", name, at)
			}
		}
	})
}

// The links of the two addresses and of other purposes do not open each other.
func TestAddressLinkConfirmsItsOwnAddress(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.person(t, "wendy")
		first := s.ask(t, p, auth.FirstAddress, "new@example.org")
		second := s.ask(t, p, auth.SecondAddress, "second@example.org")
		reset := s.forget(t, "wendy")
		refused(t, "a reset link confirms", s.confirm(t, reset), portal.CodeNotFound)
		refused(t, "an address link resets", s.reset(t, first, auth.Proof{}), portal.CodeNotFound)
		refused(t, "an address link accepts", s.accept(t, second), portal.CodeNotFound)
		must(t, s.confirm(t, second))
		if at := s.addresses(t, "wendy"); at.First != "wendy@example.com" || at.Second != "second@example.org" {
			t.Errorf("%+v", at)
		}
	})
}

// Another address needs the strongest proof that the account has (LC-01), is
// one that does not count yet, and can be asked for ten times an hour.
func TestAddressNeedsProof(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		for name, proof := range map[string]auth.Proof{
			"nothing": {}, "the password alone": password(), "a wrong code": {Password: house.Password, Code: s.wrong(p)},
		} {
			_, err := s.Auth.ChangeAddress(t.Context(), p.Actor(), auth.SecondAddress, "new@example.org", proof)
			refused(t, name, err, portal.CodeProof)
		}
		for _, bad := range []string{"", "x", "wendy@example.com", "a@example.org\r\nBcc: b@example.org"} {
			_, err := s.Auth.ChangeAddress(t.Context(), p.Actor(), auth.FirstAddress, bad, p.Proof())
			mustBeAbout(t, bad, err, portal.FieldEmail)
		}
		if at := s.addresses(t, "wendy"); at != (auth.Addresses{First: "wendy@example.com"}) {
			t.Errorf("%+v", at)
		}
		for range 7 { // three were counted above
			s.ask(t, p, auth.FirstAddress, "new@example.org")
		}
		_, err := s.Auth.ChangeAddress(t.Context(), p.Actor(), auth.FirstAddress, "new@example.org", p.Proof())
		refused(t, "the eleventh", err, portal.CodeThrottled)
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
