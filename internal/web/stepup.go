package web

import (
	"net/http"
	"slices"

	"portal"
	"portal/internal/auth"
)

// deed is something that a page asks about first: a GET shows what will happen
// and which proof is wanted, a POST to the same path does it.
type deed struct {
	need auth.Need
	// page says what will happen; the proof is filled in later.
	page func(*site, *visit) (stepUpPage, error)
	// fits tells whether the deed makes sense in the actor's 2FA state; where
	// it does not, the Account page shows why. nil: always.
	fits func(portal.TwoFactorState) bool
	// may says what stands against the deed whatever is proven; the Account
	// page shows it. nil: nothing.
	may  func(*site, portal.Actor) error
	do   func(*site, *visit, auth.Proof) (auth.Confirmed, error)
	done func(*visit) string // where to go then
}

// stepUpPage asks before a deed.
type stepUpPage struct {
	Heading string
	Text    []string // what will happen
	Warning string   // what to do before
	Button  string
	Danger  bool // the deed takes something away
	Cancel  string
	// Reason asks the actor why.
	Reason     bool
	ReasonHint string
	// Address asks for a new e-mail address.
	Address bool

	Proof   proof
	Problem *problem
	typed   fields
}

func (stepUpPage) file() string    { return "stepup" }
func (p stepUpPage) title() string { return p.Heading }
func (stepUpPage) bare() bool      { return false }

// ReasonField is the field for the reason.
func (p stepUpPage) ReasonField() input {
	i := textInput(portal.FieldReason, "Reason", p.typed.get(portal.FieldReason), p.Problem)
	i.Autocomplete, i.Hint = "off", p.ReasonHint
	return i
}

// AddressField is the field for the new address.
func (p stepUpPage) AddressField() input {
	i := textInput(portal.FieldEmail, "New e-mail", p.typed.get(portal.FieldEmail), p.Problem)
	i.Autocomplete, i.Mode = "email", "email"
	return i
}

// ask shows the page before a deed.
func (s *site) ask(v *visit, d deed) error {
	if d.fits != nil && !d.fits(v.actor.Stored) {
		return v.redirect("/account")
	}
	if d.may != nil {
		if err := d.may(s, v.actor); err != nil {
			return s.deedFailed(v, d, err)
		}
	}
	return s.showStepUp(v, d, nil)
}

// showStepUp shows the page of a deed, at first or again with what was wrong.
func (s *site) showStepUp(v *visit, d deed, wrong *problem) error {
	if err := s.again(v); err != nil {
		return err
	}
	p, err := d.page(s, v)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if wrong != nil {
		status = wrong.status
	}
	p.Problem, p.Proof, p.typed = wrong, s.proofOf(v, d.need, wrong), v.form
	return s.render(v, status, p)
}

// act does the deed, or says what is missing.
func (s *site) act(v *visit, d deed) error {
	result, err := d.do(s, v, v.form.proof())
	s.renew(v, result.Session)
	switch {
	case err != nil:
		return s.deedFailed(v, d, err)
	case len(result.RecoveryCodes) > 0:
		return afterwards(s.accountWith(v, accountNews{codes: result.RecoveryCodes}))
	}
	return v.redirect(d.done(v))
}

// deedFailed shows the page of the deed again. Where nothing could be proven
// yet, as after a press of the slider, that page asks for the first time and
// nothing is wrong. Where the 2FA state has moved on, the account tells how it
// stands now.
func (s *site) deedFailed(v *visit, d deed, err error) error {
	code := portal.ErrorCode(err)
	if code == portal.CodeProof && !v.form.has(portal.FieldPassword) {
		return s.showStepUp(v, d, nil)
	}
	p := v.problem(err, append(proofFields(), portal.FieldReason, portal.FieldEmail)...)
	switch {
	case p == nil:
		return err
	case code == portal.CodeConflict && d.fits != nil:
		return s.accountWith(v, accountNews{setup: p})
	}
	return s.showStepUp(v, d, p)
}

// only makes a deed that gives no recovery codes fit.
func only(r auth.Renewed, err error) (auth.Confirmed, error) { return auth.Confirmed{Renewed: r}, err }

// says is the page of a deed whose words do not depend on anything.
func says(p stepUpPage) func(*site, *visit) (stepUpPage, error) {
	return func(*site, *visit) (stepUpPage, error) { return p, nil }
}

// to is always the same place to go.
func to(path string) func(*visit) string { return func(*visit) string { return path } }

func inState(states ...portal.TwoFactorState) func(portal.TwoFactorState) bool {
	return func(s portal.TwoFactorState) bool { return slices.Contains(states, s) }
}

func mayGiveUp(s *site, actor portal.Actor) error { return s.auth.MayGiveUp(actor) }

func startSetup() deed {
	return deed{
		need: auth.NeedStart, fits: inState(portal.TwoFactorNone), done: to("/account"),
		page: says(stepUpPage{
			Heading: "Set up two-factor authentication", Button: "Continue", Cancel: "/account",
			Text: []string{"Next you scan a QR code with an authenticator app. Signing in stays as it is until you have entered the first code."},
		}),
		do: func(s *site, v *visit, p auth.Proof) (auth.Confirmed, error) {
			return only(s.auth.StartSetup(v.ctx(), v.actor, p))
		},
	}
}

func disableTwoFactor() deed {
	return deed{
		need: auth.NeedProof, fits: inState(portal.TwoFactorEnabled), may: mayGiveUp, done: to("/account?notice=2fa-disabled"),
		page: says(stepUpPage{
			Heading: "Disable two-factor authentication", Button: "Disable", Danger: true, Cancel: "/account",
			Text: []string{
				"Your password alone will open your account. Your setup is kept, so that you can switch it on again with the same app.",
				"Your recovery codes stop working and your other sessions end.",
			},
		}),
		do: func(s *site, v *visit, p auth.Proof) (auth.Confirmed, error) {
			return only(s.auth.DisableTwoFactor(v.ctx(), v.actor, p))
		},
	}
}

func enableTwoFactor() deed {
	return deed{
		need: auth.NeedKept, fits: inState(portal.TwoFactorDisabled), done: to("/account"),
		page: says(stepUpPage{
			Heading: "Enable two-factor authentication", Button: "Enable", Cancel: "/account",
			Text: []string{
				"Signing in will ask for a code again. Your app still has the right entry: enter the code that it shows now.",
				"You get new recovery codes and your other sessions end.",
				"Is the entry gone from your app? Cancel, delete the setup with the trash can, and set it up anew.",
			},
		}),
		do: func(s *site, v *visit, p auth.Proof) (auth.Confirmed, error) {
			return s.auth.EnableTwoFactor(v.ctx(), v.actor, p)
		},
	}
}

func deleteSetup() deed {
	return deed{
		need: auth.NeedProof, fits: inState(portal.TwoFactorEnabled, portal.TwoFactorDisabled), may: mayGiveUp, done: to("/account?notice=2fa-deleted"),
		page: says(stepUpPage{
			Heading: "Delete your 2FA setup", Button: "Delete 2FA setup", Danger: true, Cancel: "/account",
			Text: []string{
				"Your password alone will open your account. The entry in your app and your recovery codes stop working for good, and your other sessions end.",
				"To use two-factor authentication again you start over with a new QR code.",
			},
		}),
		do: func(s *site, v *visit, p auth.Proof) (auth.Confirmed, error) {
			return only(s.auth.DeleteSetup(v.ctx(), v.actor, p))
		},
	}
}

func replaceAuthenticator() deed {
	return deed{
		need: auth.NeedProof, fits: inState(portal.TwoFactorEnabled), done: to("/account"),
		page: says(stepUpPage{
			Heading: "Replace your authenticator", Button: "Continue", Cancel: "/account",
			Text: []string{"Next you scan a new QR code, on a new phone or in another app. The present entry keeps working until you have entered the first code of the new one."},
		}),
		do: func(s *site, v *visit, p auth.Proof) (auth.Confirmed, error) {
			return only(s.auth.StartReplacement(v.ctx(), v.actor, p))
		},
	}
}

func newRecoveryCodes() deed {
	return deed{
		need: auth.NeedProof, fits: inState(portal.TwoFactorEnabled), done: to("/account"),
		page: says(stepUpPage{
			Heading: "Get new recovery codes", Button: "Get new codes", Cancel: "/account",
			Text: []string{"You get ten new codes. The old ones stop working at once, and your other sessions end."},
		}),
		do: func(s *site, v *visit, p auth.Proof) (auth.Confirmed, error) {
			return s.auth.IssueRecoveryCodes(v.ctx(), v.actor, p)
		},
	}
}

func endSession() deed {
	return deed{
		need: auth.NeedFresh, done: to("/account?notice=session-ended"),
		page: func(s *site, v *visit) (stepUpPage, error) {
			account, err := s.auth.Account(v.ctx(), v.actor)
			if err != nil {
				return stepUpPage{}, err
			}
			return endSessionPage(account.Sessions, portal.SessionID(v.r.PathValue("id")))
		},
		do: func(s *site, v *visit, p auth.Proof) (auth.Confirmed, error) {
			return only(s.auth.EndSession(v.ctx(), v.actor, portal.SessionID(v.r.PathValue("id")), p))
		},
	}
}

func endSessionPage(sessions []auth.Session, id portal.SessionID) (stepUpPage, error) {
	for _, session := range sessions {
		if session.ID == id {
			return stepUpPage{
				Heading: "End this session", Button: "End session", Danger: true, Cancel: "/account",
				Text: []string{
					portal.BrowserName(session.Agent) + " at " + session.Address + ", signed in " + moment(session.SignedInAt) + ".",
					"That browser has to sign in again. If you do not know it, change your password, too.",
				},
			}, nil
		}
	}
	return stepUpPage{}, portal.NotFound()
}

func endOtherSessions() deed {
	return deed{
		need: auth.NeedFresh, done: to("/account?notice=sessions-ended"),
		page: says(stepUpPage{
			Heading: "End all other sessions", Button: "End all others", Danger: true, Cancel: "/account",
			Text: []string{"Every other browser in which you are signed in has to sign in again. This one stays signed in."},
		}),
		do: func(s *site, v *visit, p auth.Proof) (auth.Confirmed, error) {
			return only(s.auth.EndOtherSessions(v.ctx(), v.actor, p))
		},
	}
}
