package web

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"portal"
)

// refusal is an error of HTTP itself, which no use case knows.
type refusal struct {
	status  int
	message string
}

// Error is what the log and the visitor read.
func (r refusal) Error() string { return r.message }

// elsewhere is the error of a visit that has to go on at another path of ours.
type elsewhere string

// Error is what the log reads.
func (e elsewhere) Error() string { return "answered at " + string(e) }

// problem is an error that a form shows: at its field, or at the top.
type problem struct {
	status  int
	field   portal.Field
	message string
}

// at is the message that stands at a field, empty where none does. A form may
// show one field in the place of several.
func (p *problem) at(fields ...portal.Field) string {
	if p == nil || !slices.Contains(fields, p.field) {
		return ""
	}
	return p.message
}

// Top is the message that stands above the form.
func (p *problem) Top() string { return p.at("") }

// problem returns err as the form with these fields shows it; nil where it
// needs a page of its own. A field that the form has not got moves to the top.
func (v *visit) problem(err error, shown ...portal.Field) *problem {
	var e *portal.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code {
	case portal.CodeInvalid, portal.CodeProof, portal.CodeThrottled, portal.CodeConflict:
	default:
		return nil
	}
	v.trace.err = err
	retryAfter(v.w, e.RetryAfter)
	p := &problem{status: statusOf(e.Code), message: e.Message}
	if slices.Contains(shown, e.Field) {
		p.field = e.Field
	}
	return p
}

func retryAfter(w http.ResponseWriter, wait time.Duration) {
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
}

// statusOf is the one map from what went wrong to what HTTP calls it.
func statusOf(code portal.Code) int {
	switch code {
	case portal.CodeMalformed:
		return http.StatusBadRequest
	case portal.CodeInvalid, portal.CodeProof:
		return http.StatusUnprocessableEntity
	case portal.CodeSignIn:
		return http.StatusSeeOther
	case portal.CodeNotFound:
		return http.StatusNotFound
	case portal.CodeConflict:
		return http.StatusConflict
	case portal.CodeThrottled:
		return http.StatusTooManyRequests
	case portal.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// kindOf is what went wrong in a word, for traces.
func kindOf(err error) string {
	var r refusal
	switch {
	case err == nil:
		return ""
	case errors.As(err, &r):
		return "refused"
	case errors.Is(err, context.Canceled):
		return "gone"
	}
	return string(portal.ErrorCode(err))
}

// fail answers a visit that a handler could not answer.
func (s *site) fail(v *visit, err error) {
	var path elsewhere
	if errors.As(err, &path) {
		_ = v.redirect(string(path))
		return
	}
	v.trace.err = err
	switch portal.ErrorCode(err) {
	case portal.CodeSignIn:
		_ = v.redirect("/sign-in")
		return
	case portal.CodeOwed:
		_ = v.redirect(payAt(v.actor.Owes))
		return
	}
	page := s.errorPage(v, err)
	if err := s.render(v, page.Status, page); err != nil {
		v.trace.err = errors.Join(v.trace.err, err)
		plainText(v.w, http.StatusInternalServerError, page.Message+"\n")
	}
}

// afterwards is for what fails after a deed, such as the page that would tell of
// it: nobody may read then that nothing was changed.
func afterwards(err error) error {
	if portal.ErrorCode(err) == portal.CodeUnavailable || errors.Is(err, context.DeadlineExceeded) {
		return portal.Unsure(err)
	}
	return err
}

// payAt is the page on which a debt is paid.
func payAt(d portal.Debt) string {
	if d == portal.OwesPassword {
		return "/account/password"
	}
	return "/account"
}

// errorPage finds the words for an error. Whatever is not meant for people
// stays in the log, under the number that the page shows.
func (s *site) errorPage(v *visit, err error) errorPage {
	var r refusal
	if errors.As(err, &r) {
		return errorPage{Status: r.status, Message: r.message}
	}
	var e *portal.Error
	if !errors.As(err, &e) && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		errors.As(portal.Unavailable(err), &e)
	}
	if e == nil || e.Code == portal.CodeInternal {
		return errorPage{
			Status: http.StatusInternalServerError, RequestID: v.trace.requestID,
			Message: "Something went wrong on our side. Please try again. If it happens again, tell your administrator this number:",
		}
	}
	retryAfter(v.w, e.RetryAfter)
	return errorPage{Status: statusOf(e.Code), Message: e.Message}
}

// errorPage says what went wrong and what to do. It looks the same for
// everybody, signed in or not, so that it tells nothing.
type errorPage struct {
	Status    int
	Message   string
	RequestID string
}

func (errorPage) file() string { return "error" }
func (errorPage) bare() bool   { return true }

// Title is what the page begins with.
func (p errorPage) Title() string { return p.title() }

func (p errorPage) title() string {
	switch p.Status {
	case http.StatusNotFound:
		return "Page not found"
	case http.StatusConflict:
		return "Things have changed"
	case http.StatusTooManyRequests:
		return "Too many tries"
	case http.StatusServiceUnavailable:
		return "Not available right now"
	case http.StatusInternalServerError:
		return "Something went wrong"
	}
	return "This did not work"
}
