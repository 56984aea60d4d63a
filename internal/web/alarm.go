package web

import (
	"net/http"

	"portal"
	"portal/internal/auth"
)

// alarmPage is behind the link "this was not me" of a mail: it says what
// freezing an account means, and freezes it at the press of a button.
type alarmPage struct {
	Alarm  auth.Alarm
	NoMail bool
}

func (alarmPage) file() string  { return "alarm" }
func (alarmPage) title() string { return "This was not me" }
func (alarmPage) bare() bool    { return true }

// frozenPage says that it is done, and how the account opens again.
type frozenPage struct{ NoMail bool }

func (frozenPage) file() string  { return "frozen" }
func (frozenPage) title() string { return "The account is frozen" }
func (frozenPage) bare() bool    { return true }

// badAlarmPage says what to do where the link does not work any more.
type badAlarmPage struct{}

func (badAlarmPage) file() string  { return "badalarm" }
func (badAlarmPage) title() string { return "This link does not work any more" }
func (badAlarmPage) bare() bool    { return true }

// followAlarm takes the token out of the address at once, as followLink does.
func (s *site) followAlarm(v *visit) error {
	token := v.r.PathValue("token")
	if _, err := s.auth.OpenAlarm(v.ctx(), token); err != nil {
		return s.alarmFailed(v, err)
	}
	s.cookies.set(v.w, alarmCookie, token)
	return v.redirect("/alarm")
}

func (s *site) showAlarm(v *visit) error {
	alarm, err := s.auth.OpenAlarm(v.ctx(), s.cookies.get(v.r, alarmCookie))
	switch {
	case err != nil:
		return s.alarmFailed(v, err)
	case alarm.Frozen:
		return v.redirect("/alarm/frozen")
	}
	return s.render(v, http.StatusOK, alarmPage{alarm, !s.mail})
}

func (s *site) freeze(v *visit) error {
	token, err := s.token(v, alarmCookie)
	if err != nil {
		return err
	}
	err = s.auth.Freeze(v.ctx(), v.origin(), token)
	if err != nil && portal.ErrorCode(err) != portal.CodeConflict { // a conflict: it is frozen already
		return s.alarmFailed(v, err)
	}
	return v.redirect("/alarm/frozen")
}

func (s *site) showFrozen(v *visit) error {
	return s.render(v, http.StatusOK, frozenPage{NoMail: !s.mail})
}

// alarmFailed tells a dead link from other trouble.
func (s *site) alarmFailed(v *visit, err error) error {
	if portal.ErrorCode(err) != portal.CodeNotFound {
		return err
	}
	v.trace.err = err
	return s.render(v, http.StatusNotFound, badAlarmPage{})
}
