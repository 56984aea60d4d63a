package web

import (
	"math"
	"net/http"
	"strings"
	"time"

	"portal"
	"portal/internal/auth"
)

// accountPage shows a person's own account, region by region.
type accountPage struct {
	User      portal.User
	Customer  string
	TwoFactor twoFactorRegion
	Recovery  recoveryRegion
	Password  passwordRegion
	Addresses addressesRegion
	Sessions  []auth.Session
	Activity  activity
	// Owing says that the account needs a 2FA setup before anything else; only
	// the steps to it are shown.
	Owing bool
}

func (accountPage) file() string { return "account" }
func (p accountPage) title() string {
	if p.Owing {
		return "Set up two-factor authentication"
	}
	return "Account"
}
func (accountPage) bare() bool { return false }

// activity is a list of events by or on one person.
type activity struct {
	Of     string // login ID of the person
	Events []portal.Event
}

// Others tells whether there are sessions besides this one.
func (p accountPage) Others() bool { return len(p.Sessions) > 1 }

// accountNews is what a request adds to the page of the account.
type accountNews struct {
	codes    []string // recovery codes, shown this once
	setup    *problem // with the set-up
	password *problem // with the change of the password
}

func (n accountNews) status() int {
	for _, p := range []*problem{n.setup, n.password} {
		if p != nil {
			return p.status
		}
	}
	return http.StatusOK
}

func (s *site) showAccount(v *visit) error { return s.accountWith(v, accountNews{}) }

// toAccount answers who reloads the address of a form by GET.
func (s *site) toAccount(v *visit) error { return v.redirect("/account") }

// accountWith shows the account as it stands now, and the news.
func (s *site) accountWith(v *visit, news accountNews) error {
	if err := s.again(v); err != nil {
		return err
	}
	account, err := s.auth.Account(v.ctx(), v.actor)
	if err != nil {
		return err
	}
	page, err := accountOf(v.actor, account, s.now(), news)
	if err != nil {
		return err
	}
	page.Password, page.Addresses.NoMail = s.passwordOf(v, news.password), !s.mail
	return s.render(v, news.status(), page)
}

func accountOf(actor portal.Actor, account auth.Account, now time.Time, news accountNews) (accountPage, error) {
	region, err := twoFactorOf(account, now, news.setup)
	region.Required = actor.Policy.Requires(now)
	return accountPage{
		User: account.User, Customer: actor.CustomerName, TwoFactor: region,
		Recovery:  recoveryRegion{Status: account.TwoFactor, Left: account.RecoveryLeft, Codes: news.codes},
		Addresses: addressesRegion{At: account.Addresses},
		Sessions:  account.Sessions, Activity: activity{account.User.LoginID, account.Activity},
		Owing: actor.Owes == portal.OwesSetup,
	}, err
}

// twoFactorRegion is the region of the slider.
type twoFactorRegion struct {
	Status        portal.TwoFactorStatus
	Setup         *setupSteps // nil where no set-up is pending
	Authenticator *auth.Authenticator
	Problem       *problem
	Required      bool // by the customer, now
	KeptUntil     time.Time
	Lapsed        bool // kept longer than it can be used
}

// setupSteps is what a pending set-up shows.
type setupSteps struct {
	QR      qrCode
	Key     string // in groups of four
	Minutes int    // that the key stays the same
	Clock   clock
	Problem *problem
}

func twoFactorOf(a auth.Account, now time.Time, wrong *problem) (twoFactorRegion, error) {
	region := twoFactorRegion{Status: a.TwoFactor, Authenticator: a.Authenticator, Problem: wrong, KeptUntil: a.KeptUntil}
	region.Lapsed = region.Kept() && !a.KeptUntil.After(now)
	if a.Setup == nil {
		return region, nil
	}
	code, err := drawQR(a.Setup.URI)
	if err != nil {
		return region, err
	}
	left := a.Setup.ExpiresAt.Sub(now).Minutes()
	region.Setup = &setupSteps{QR: code, Key: a.Setup.Key, Minutes: int(math.Ceil(left)), Clock: clock(now), Problem: wrong}
	return region, nil
}

// Shape is the shape of the label.
func (r twoFactorRegion) Shape() string { return shapeOf(r.Status) }

// On tells whether the slider stands at Enable.
func (r twoFactorRegion) On() bool { return r.Pending() || r.Enabled() }

// Pending tells whether a first setup waits for its code.
func (r twoFactorRegion) Pending() bool { return r.Status.State == portal.TwoFactorPending }

// Enabled tells whether signing in asks for a code.
func (r twoFactorRegion) Enabled() bool { return r.Status.State == portal.TwoFactorEnabled }

// Kept tells whether a setup is kept for later.
func (r twoFactorRegion) Kept() bool { return r.Status.State == portal.TwoFactorDisabled }

// Slider is what moving the slider asks for.
func (r twoFactorRegion) Slider() slider {
	switch r.Status.State {
	case portal.TwoFactorNone:
		return slider{"post", "/account/2fa/start"}
	case portal.TwoFactorPending:
		return slider{"post", "/account/2fa/cancel"}
	case portal.TwoFactorDisabled:
		return slider{"get", "/account/2fa/enable"}
	}
	return slider{"get", "/account/2fa/disable"}
}

type slider struct{ Method, Action string }

// Top is what is wrong with the region as a whole.
func (r twoFactorRegion) Top() string { return r.Problem.Top() }

// Code is the field at the end of the steps.
func (s setupSteps) Code() input {
	i := codeInput("Enter the code here", s.Problem)
	i.ID = "setup-code"
	return i
}

// recoveryRegion is the region of the recovery codes.
type recoveryRegion struct {
	Status portal.TwoFactorStatus
	Left   int
	Codes  []string // only right after they were made
}

// Enabled tells whether there can be codes.
func (r recoveryRegion) Enabled() bool { return r.Status.State == portal.TwoFactorEnabled }

// Low tells whether it is time for new ones (RC-06).
func (r recoveryRegion) Low() bool { return r.Left < 3 }

// Joined is the codes as the download form sends them back.
func (r recoveryRegion) Joined() string { return strings.Join(r.Codes, " ") }

func (s *site) confirmSetup(v *visit) error {
	confirmed, err := s.auth.ConfirmSetup(v.ctx(), v.actor, v.form.get(portal.FieldCode))
	s.renew(v, confirmed.Session)
	if err == nil {
		return afterwards(s.accountWith(v, accountNews{codes: confirmed.RecoveryCodes}))
	}
	p := v.problem(err, portal.FieldCode)
	if p == nil {
		return err
	}
	return s.accountWith(v, accountNews{setup: p})
}

func (s *site) cancelSetup(v *visit) error {
	if err := s.auth.CancelSetup(v.ctx(), v.actor); err != nil {
		return err
	}
	return v.redirect("/account")
}
