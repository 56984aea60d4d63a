package web

import (
	"net/http"
	"net/url"
	"strconv"

	"portal"
	"portal/internal/admin"
)

// accessPage lists the customer's users and who of them has 2FA.
type accessPage struct {
	Customer string
	Query    admin.UserQuery
	Found    admin.UserPage
	Self     portal.UserID
}

func (accessPage) file() string  { return "access" }
func (accessPage) title() string { return "Administration and Access" }
func (accessPage) bare() bool    { return false }

func (s *site) showAccess(v *visit) error {
	q, err := userQuery(v.query)
	if err != nil {
		return err
	}
	found, err := s.admin.Users(v.ctx(), v.actor, q)
	if err != nil {
		return err
	}
	return s.render(v, http.StatusOK, accessPage{
		Customer: v.actor.CustomerName, Query: q, Found: found, Self: v.actor.UserID,
	})
}

func userQuery(f fields) (admin.UserQuery, error) {
	q := admin.UserQuery{
		Search: f["search"], State: portal.TwoFactorState(f["state"]),
		After: portal.UserID(f["after"]), Before: portal.UserID(f["before"]),
	}
	switch {
	case len([]rune(q.Search)) > portal.MaxSearch:
		return q, portal.Malformed("Search for at most %d characters.", portal.MaxSearch)
	case q.State != "" && !isStored(q.State):
		return q, portal.Malformed("There is no such 2FA status.")
	case q.After != "" && q.Before != "":
		return q, portal.Malformed("A page of the list lies after or before a user, not both.")
	}
	return q, nil
}

func isStored(s portal.TwoFactorState) bool {
	return s == portal.TwoFactorNone || s == portal.TwoFactorEnabled || s == portal.TwoFactorDisabled
}

// Search is the field to search with.
func (p accessPage) Search() input {
	return input{ID: "search", Name: "search", Label: "Search", Type: "search", Value: p.Query.Search, Autocomplete: "off"}
}

// States is the selection of a 2FA status.
func (p accessPage) States() choice {
	c := choice{ID: "state", Name: "state", Label: "2FA status", Options: []option{{Text: "Any"}}}
	for _, state := range []portal.TwoFactorState{portal.TwoFactorEnabled, portal.TwoFactorDisabled, portal.TwoFactorNone} {
		c.Options = append(c.Options, option{string(state), portal.StatusOf(state, false).AdminLabel(), state == p.Query.State})
	}
	return c
}

// Filtered tells whether the list leaves users out.
func (p accessPage) Filtered() bool { return p.Query.Search != "" || p.Query.State != "" }

// Previous is the address of the page before, empty where there is none.
func (p accessPage) Previous() string { return p.paged("before", p.Found.Previous) }

// Next is the address of the page after, empty where there is none.
func (p accessPage) Next() string { return p.paged("after", p.Found.Next) }

func (p accessPage) paged(way string, id portal.UserID) string {
	if id == "" {
		return ""
	}
	q := url.Values{way: {string(id)}}
	if p.Query.Search != "" {
		q.Set("search", p.Query.Search)
	}
	if p.Query.State != "" {
		q.Set("state", string(p.Query.State))
	}
	return "/administration/access?" + q.Encode()
}

// Rows are the users of the page.
func (p accessPage) Rows() []userRow {
	rows := make([]userRow, len(p.Found.Users))
	for i, u := range p.Found.Users {
		rows[i] = rowOf(u)
		rows[i].Own = u.ID == p.Self
	}
	return rows
}

// userRow is one user in the list. It has fields and no methods: a template
// reads a field many times faster, and a page has fifty rows.
type userRow struct {
	ID                      portal.UserID
	LoginID, Name, Initials string
	Role                    string
	Unusual                 string // a word on the account, where it is not simply active
	Shape, Label            string // of the 2FA status
	HasSetup, Own           bool
}

func rowOf(u portal.User) userRow {
	status := u.TwoFactor()
	row := userRow{
		ID: u.ID, LoginID: u.LoginID, Name: u.Name, Initials: initials(u.Name), Role: u.Role.Label(),
		Shape: shapeOf(status), Label: status.AdminLabel(), HasSetup: status.HasSetup(),
	}
	if label := u.StateLabel(); label != "Active" {
		row.Unusual = label
	}
	return row
}

// Adoption is how many users have 2FA, as numbers and as a drawing.
func (p accessPage) Adoption() adoption {
	c := p.Found.Counts
	return adoption{
		Enabled: c[portal.TwoFactorEnabled], Disabled: c[portal.TwoFactorDisabled], None: c[portal.TwoFactorNone],
	}
}

type adoption struct{ Enabled, Disabled, None int64 }

// Total is how many users there are.
func (a adoption) Total() int64 { return a.Enabled + a.Disabled + a.None }

// Percent is the share of users with 2FA, rounded down so that 100 means all.
func (a adoption) Percent() int64 { return a.Enabled * 100 / max(a.Total(), 1) }

// EnabledWidth and the next are parts of a bar 1000 wide.
func (a adoption) EnabledWidth() string { return a.width(a.Enabled) }

// DisabledWidth is the part of kept setups.
func (a adoption) DisabledWidth() string { return a.width(a.Disabled) }

func (a adoption) width(n int64) string {
	return strconv.FormatInt(n*1000/max(a.Total(), 1), 10)
}
