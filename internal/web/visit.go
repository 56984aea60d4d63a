package web

import (
	"context"
	"net/http"

	"portal"
)

// visit is one request on its way to its answer.
type visit struct {
	w     http.ResponseWriter
	r     *http.Request
	trace *trace
	from  portal.Origin

	actor portal.Actor // who is signed in; a stranger on open routes
	half  string       // token of the half session, on its routes
	known string       // token by which the browser may be known
	query fields       // of the URL
	form  fields       // of the body; nil where nothing was posted
	// renewed is the token that this request gave to the acting session; the
	// actor is out of date then.
	renewed string
}

func newVisit(w http.ResponseWriter, r *http.Request) *visit {
	t := traceOf(r.Context())
	from := portal.Origin{Address: t.address, Agent: portal.CleanText(r.UserAgent()), RequestID: t.requestID}
	return &visit{w: w, r: r, trace: t, from: from, actor: portal.Stranger(from)}
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// origin is where the request came from, and as which browser.
func (v *visit) origin() portal.Origin {
	o := v.from
	o.Browser = v.known
	return o
}

// enter makes the visit that of a signed-in actor.
func (v *visit) enter(actor portal.Actor) {
	v.actor = actor
	v.trace.userID = actor.UserID
}

// read decodes the query, and the body of a request that changes something.
func (v *visit) read(body bool) (err error) {
	if v.query, err = parseFields(v.r.URL.RawQuery); err != nil || !body {
		return err
	}
	v.form, err = readForm(v.w, v.r)
	return err
}

// redirect sends the browser to a path of ours.
func (v *visit) redirect(path string) error {
	v.w.Header().Set("Location", path)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// userID is the user that the path names.
func (v *visit) userID() portal.UserID { return portal.UserID(v.r.PathValue("id")) }

// renew keeps the new token of the acting session, if it got one.
func (s *site) renew(v *visit, token string) {
	if token == "" {
		return
	}
	v.renewed = token
	s.cookies.set(v.w, sessionCookie, token)
}

// again brings the actor up to date where this request renewed the session, so
// that a page tells what holds now.
func (s *site) again(v *visit) error {
	if v.renewed == "" {
		return nil
	}
	actor, err := s.auth.Authenticate(v.ctx(), v.origin(), v.renewed)
	if err != nil {
		return afterwards(err)
	}
	v.enter(actor)
	v.renewed = ""
	return nil
}
