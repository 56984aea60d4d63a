package admin_test

import (
	"encoding/base32"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

// told is a security change and the letter that tells of it.
type told struct {
	action portal.Action
	kind   portal.MailKind
	// colleague is the letter to the other administrators, where there is one.
	colleague portal.MailKind
	alarm     bool // the letter has a link "this was not me"
	stage     func(*walk)
	do        func(*walk) (auth.Renewed, error)
}

// walk is one change on its way: a person it happens to, two administrators.
type walk struct {
	scene
	t        *testing.T
	ada      *house.Person
	p        *house.Person
	id       portal.UserID
	recovery []string
	token    string // of "this was not me", or of a half session
}

func (w *walk) enabled() { w.recovery = w.p.Enable() }

func (w *walk) disabled() {
	w.enabled()
	w.p.Take(w.Auth.DisableTwoFactor(w.t.Context(), w.p.Actor(), w.p.Proof()))
}

func (w *walk) pending() {
	w.p.Take(w.Auth.StartSetup(w.t.Context(), w.p.Actor(), w.p.Proof()))
	w.p.Scan()
}

func (w *walk) replacing() {
	w.enabled()
	w.p.Take(w.Auth.StartReplacement(w.t.Context(), w.p.Actor(), w.p.Proof()))
	w.p.Scan()
}

func (w *walk) suspended() {
	w.p.Take(w.Admin.Suspend(w.t.Context(), w.acme, w.id, auth.Proof{}))
}

func (w *walk) alarmed() {
	w.enabled()
	w.token = w.alarm(w.t, w.p.Login)
}

func (w *walk) halfway() {
	w.enabled()
	w.token = w.half(w.t, w.p.Login)
}

func (w *walk) frozen() {
	w.alarmed()
	w.freeze(w.t, w.token)
}

// spare takes one of the person's recovery codes.
func (w *walk) spare() string {
	code := w.recovery[0]
	w.recovery = w.recovery[1:]
	return code
}

func (w *walk) edited(change func(*admin.Edit)) (auth.Renewed, error) {
	in := edit(w.p.Login, portal.RoleUser)
	change(&in)
	return w.Admin.EditUser(w.t.Context(), w.ada.Actor(), w.id, in, w.ada.Proof())
}

func confirmed(c auth.Confirmed, err error) (auth.Renewed, error) { return c.Renewed, err }

// ownChanges are what the owner of an account can change.
func ownChanges() []told {
	return []told{
		{portal.SetupConfirmed, portal.MailFactorEnabled, "", true, (*walk).pending, func(w *walk) (auth.Renewed, error) {
			return confirmed(w.Auth.ConfirmSetup(w.t.Context(), w.p.Actor(), w.p.Code()))
		}},
		{portal.Replaced, portal.MailFactorReplaced, "", true, (*walk).replacing, func(w *walk) (auth.Renewed, error) {
			return confirmed(w.Auth.ConfirmSetup(w.t.Context(), w.p.Actor(), w.p.Code()))
		}},
		{portal.TwoFactorDisable, portal.MailFactorDisabled, "", true, (*walk).enabled, func(w *walk) (auth.Renewed, error) {
			return w.Auth.DisableTwoFactor(w.t.Context(), w.p.Actor(), w.p.Proof())
		}},
		{portal.TwoFactorEnable, portal.MailFactorEnabled, "", true, (*walk).disabled, func(w *walk) (auth.Renewed, error) {
			return confirmed(w.Auth.EnableTwoFactor(w.t.Context(), w.p.Actor(), w.p.Proof()))
		}},
		{portal.SetupDeleted, portal.MailFactorDeleted, "", true, (*walk).enabled, func(w *walk) (auth.Renewed, error) {
			return w.Auth.DeleteSetup(w.t.Context(), w.p.Actor(), w.p.Proof())
		}},
		{portal.RecoveryIssued, portal.MailRecoveryIssued, "", true, (*walk).enabled, func(w *walk) (auth.Renewed, error) {
			return confirmed(w.Auth.IssueRecoveryCodes(w.t.Context(), w.p.Actor(), w.p.Proof()))
		}},
		{portal.RecoveryCodeUsed, portal.MailRecoveryUsed, "", true, (*walk).enabled, func(w *walk) (auth.Renewed, error) {
			return w.Auth.StepUp(w.t.Context(), w.p.Actor(), auth.NeedProof, auth.Proof{Password: house.Password, RecoveryCode: w.spare()})
		}},
		{portal.RecoveryCodeUsed, portal.MailRecoveryUsed, "", true, (*walk).enabled, (*walk).signInByRecovery},
		{portal.PasswordChanged, portal.MailPasswordChanged, "", true, (*walk).enabled, func(w *walk) (auth.Renewed, error) {
			return w.Auth.ChangePassword(w.t.Context(), w.p.Actor(), w.p.Proof(), "quite another good password")
		}},
		{portal.EmailAsked, portal.MailAddressAsked, "", true, nil, func(w *walk) (auth.Renewed, error) {
			return w.Auth.ChangeAddress(w.t.Context(), w.p.Actor(), auth.FirstAddress, "new@example.org", w.p.Proof())
		}},
		{portal.EmailRemoved, portal.MailAddressChanged, "", true, nil, func(w *walk) (auth.Renewed, error) {
			return w.Auth.RemoveSecondAddress(w.t.Context(), w.p.Actor(), w.p.Proof())
		}},
	}
}

func (w *walk) signInByRecovery() (auth.Renewed, error) {
	earned, err := w.Auth.SignIn(w.t.Context(), w.p.Origin(), w.p.Login, house.Password)
	if err != nil {
		return auth.Renewed{}, err
	}
	earned, err = w.Auth.SignInWithRecoveryCode(w.t.Context(), w.p.Origin(), earned.Half, w.spare())
	return auth.Renewed{Session: earned.Session}, err
}

// othersChanges are what an administrator or the host can change.
func othersChanges() []told {
	remove := func(actor func(*walk) (portal.Actor, auth.Proof)) func(w *walk) (auth.Renewed, error) {
		return func(w *walk) (auth.Renewed, error) {
			who, proof := actor(w)
			return w.Admin.DeleteTwoFactor(w.t.Context(), who, w.id, "lost phone", proof)
		}
	}
	return []told{
		{portal.SetupDeleted, portal.MailDeletedByAdmin, portal.MailAdminDeleted, true, (*walk).enabled,
			remove(func(w *walk) (portal.Actor, auth.Proof) { return w.ada.Actor(), w.ada.Proof() })},
		{portal.SetupDeleted, portal.MailDeletedByAdmin, portal.MailAdminDeleted, true, (*walk).disabled,
			remove(func(w *walk) (portal.Actor, auth.Proof) { return w.acme, auth.Proof{} })},
		{portal.RoleChanged, portal.MailAccountChanged, "", true, nil, func(w *walk) (auth.Renewed, error) {
			return w.edited(func(in *admin.Edit) { in.Role = string(portal.RoleAdministrator) })
		}},
		{portal.EmailAsked, portal.MailAddressAsked, "", true, nil, func(w *walk) (auth.Renewed, error) {
			return w.edited(func(in *admin.Edit) { in.Email = "new@example.org" })
		}},
		{portal.UserEdited, portal.MailAccountChanged, "", true, nil, func(w *walk) (auth.Renewed, error) {
			return w.edited(func(in *admin.Edit) { in.Name = "Another Name" })
		}},
		{portal.UserSuspendedEvent, portal.MailAccountChanged, "", false, nil, func(w *walk) (auth.Renewed, error) {
			return w.Admin.Suspend(w.t.Context(), w.ada.Actor(), w.id, w.ada.Proof())
		}},
		{portal.ResetDemanded, portal.MailResetDemanded, "", false, (*walk).enabled, func(w *walk) (auth.Renewed, error) {
			return w.Admin.DemandPassword(w.t.Context(), w.acme, w.id, "stolen", auth.Proof{})
		}},
		{portal.HelpAsked, portal.MailHelpAskedForYou, portal.MailHelpAsked, true, (*walk).halfway, func(w *walk) (auth.Renewed, error) {
			return auth.Renewed{}, w.Auth.AskHelp(w.t.Context(), house.Origin(), w.token)
		}},
		{portal.AccountFrozen, portal.MailFrozen, portal.MailFrozenAdmin, false, (*walk).alarmed, func(w *walk) (auth.Renewed, error) {
			return auth.Renewed{}, w.Auth.Freeze(w.t.Context(), house.Origin(), w.token)
		}},
		{portal.AccountThawed, portal.MailThawed, "", true, (*walk).frozen, func(w *walk) (auth.Renewed, error) {
			return w.Admin.Thaw(w.t.Context(), w.ada.Actor(), w.id, w.ada.Proof())
		}},
		{portal.UserReactivated, portal.MailAccountChanged, "", false, (*walk).suspended, func(w *walk) (auth.Renewed, error) {
			return w.Admin.Reactivate(w.t.Context(), w.acme, w.id, auth.Proof{})
		}},
	}
}

// untold are the actions without a letter of their own in the walk, each with
// the reason, or with the test that reads its letter.
func untold() map[portal.Action]string {
	const (
		no     = "changes nothing that guards an account"
		itself = "its one letter is what was asked for"
	)
	return map[portal.Action]string{
		portal.SignedIn: "told where the browser is new", portal.PasswordTried: no, portal.SecondFactorTried: no,
		portal.SignInCancelled: no, portal.SignedOut: no, portal.SteppedUp: no, portal.SessionsEnded: no, portal.UserUnlocked: no,
		portal.SetupStarted: "counts for nothing until it is confirmed", portal.SetupCancelled: "never counted", portal.ReplacementStarted: "counts for nothing until it is confirmed",
		portal.HelpDismissed: no,
		portal.UserAdded:     "the invitation tells", portal.UserInvited: itself, portal.InvitationAccepted: "the owner's first password", portal.InvitationDropped: "nobody has the account yet",
		portal.ResetAsked: itself, portal.PasswordReset: "TestReset", portal.EmailConfirmed: "TestNewAddressCountsOnceConfirmed",
		portal.SetupExpired: "the keeper's", portal.CodesBlocked: "the guessing's", portal.PolicyChanged: "TestPolicyIsSet",
		portal.CustomerAdded: no, portal.CustomerSuspended: "the operator's", portal.CustomerReopened: "the operator's", portal.SetUpCompleted: no,
		portal.AuditExported: no, portal.AuditPruned: no, portal.KeysRotated: no, portal.DataMoved: no, portal.BackupMade: no,
		portal.DataRestored: "TestBackupAndRestore", portal.RecoveryVoided: "TestBackupAndRestore", portal.MailFailed: no, portal.MailRead: no,
	}
}

// Whoever adds an action to the vocabulary says here whether it is told.
func TestEveryActionIsToldOrNot(t *testing.T) {
	walked := map[portal.Action]bool{}
	for _, c := range append(ownChanges(), othersChanges()...) {
		walked[c.action] = true
	}
	for _, a := range portal.Actions() {
		if why := untold()[a]; walked[a] == (why != "") {
			t.Errorf("%s: walked %t, and without a letter because: %q", a, walked[a], why)
		}
	}
}

// Every security change: its letter is in the outbox, to all confirmed
// addresses, in the transaction of the change — where one cannot be written
// the other is not there — and without a secret (LC-04, LC-08, RC-06).
func TestEveryChangeIsTold(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		s.administrator(t, s.acme, "cora")
		for i, c := range append(ownChanges(), othersChanges()...) {
			login := "person-" + string(rune('a'+i))
			user := s.User(t, s.acme, portal.RoleUser, login)
			w := &walk{scene: s, t: t, ada: ada, p: s.Person(t, login), id: user.ID}
			w.secondAddress()
			ada.SignIn()
			if c.stage != nil {
				c.stage(w)
			}
			w.holds(c)
		}
		toAda, toCora := len(s.LettersOf(t, "ada", portal.MailAdminDeleted)), len(s.LettersOf(t, "cora", portal.MailAdminDeleted))
		if toAda != 1 || toCora != 2 {
			t.Errorf("of a deletion by herself and one by the host ada reads %d, cora %d", toAda, toCora)
		}
	})
}

// secondAddress confirms a second address, past everything.
func (w *walk) secondAddress() {
	w.t.Helper()
	if _, err := w.Outside(w.t).Exec("UPDATE users SET second_email = login_id || '@second.example' WHERE login_id = '" + w.p.Login + "'"); err != nil {
		w.t.Fatal(err)
	}
}

func (w *walk) holds(c told) {
	w.t.Helper()
	events, letters := w.count(c), len(w.Letters(w.t, w.p.Login))
	w.Without(w.t, "mails", func() {
		renewed, err := c.do(w)
		w.keep(renewed)
		if err == nil {
			w.t.Errorf("%s of %s: done without its letter", c.action, w.p.Login)
		}
	})
	if now := w.count(c); now != events {
		w.t.Errorf("%s of %s: recorded without its letter", c.action, w.p.Login)
	}
	w.Without(w.t, "events", func() {
		if _, err := c.do(w); err == nil {
			w.t.Errorf("%s of %s: done without its event", c.action, w.p.Login)
		}
	})
	if now := len(w.Letters(w.t, w.p.Login)); now != letters {
		w.t.Errorf("%s of %s: told without its event", c.action, w.p.Login)
	}
	renewed, err := c.do(w)
	w.keep(renewed)
	if err != nil || w.count(c) != events+1 {
		w.t.Fatalf("%s of %s: %v, %d events more", c.action, w.p.Login, err, w.count(c)-events)
	}
	w.read(c, w.Letters(w.t, w.p.Login)[letters:])
}

// keep hands a new token to the one whose session it is.
func (w *walk) keep(r auth.Renewed) {
	actor, err := w.Auth.Authenticate(w.t.Context(), house.Origin(), r.Session)
	switch {
	case err != nil:
	case actor.LoginID == w.p.Login:
		w.p.Token = r.Session
	case actor.LoginID == w.ada.Login:
		w.ada.Token = r.Session
	}
}

// count is how many events tell of the change.
func (w *walk) count(c told) int {
	return len(w.events(w.t, w.acme, admin.EventQuery{Action: c.action, Person: w.p.Login}))
}

// read holds what the letters of one change say.
func (w *walk) read(c told, letters []portal.Letter) {
	w.t.Helper()
	to := map[string]bool{}
	letters = slices.DeleteFunc(letters, func(l portal.Letter) bool { return l.Kind == portal.MailConfirmAddress })
	for _, l := range letters {
		to[l.To] = true
		if l.Kind != c.kind || (l.Alarm != "") != c.alarm || l.At.IsZero() || l.Customer != "Acme" {
			w.t.Errorf("%s of %s: the letter is %+v", c.action, w.p.Login, l)
		}
		w.holdsNoSecret(l)
	}
	if len(letters) != 2 || !to[w.p.Login+"@example.com"] || !to[w.p.Login+"@second.example"] {
		w.t.Errorf("%s of %s: the letters are %+v", c.action, w.p.Login, letters)
	}
	if c.colleague == "" {
		return
	}
	told := w.LettersOf(w.t, "cora", c.colleague)
	if l := told[len(told)-1]; l.AboutID != w.id || l.Alarm != "" || (c.action == portal.SetupDeleted && (l.Detail != "lost phone" || l.By == "")) {
		w.t.Errorf("%s of %s: the colleague reads %+v", c.action, w.p.Login, l)
	}
}

func (w *walk) holdsNoSecret(l portal.Letter) {
	w.t.Helper()
	text, err := json.Marshal(l)
	if err != nil {
		w.t.Fatal(err)
	}
	secrets := append([]string{house.Password, "quite another good password", w.p.Token}, w.recovery...)
	if w.p.Key != nil {
		secrets = append(secrets, base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(w.p.Key))
	}
	for _, secret := range secrets {
		if strings.Contains(string(text), secret) {
			w.t.Errorf("a letter holds the secret %q", secret)
		}
	}
}
