package main

import (
	"strings"

	"github.com/google/uuid"
)

// The parts of CycloneDX 1.6 that the bill uses; see its JSON schema.
type (
	bill struct {
		Format       string       `json:"bomFormat"`
		SpecVersion  string       `json:"specVersion"`
		SerialNumber string       `json:"serialNumber"`
		Version      int          `json:"version"`
		Metadata     metadata     `json:"metadata"`
		Components   []component  `json:"components"`
		Dependencies []dependency `json:"dependencies"`
	}
	metadata struct {
		Timestamp string    `json:"timestamp,omitempty"`
		Component component `json:"component"`
	}
	component struct {
		Type       string     `json:"type"`
		Ref        string     `json:"bom-ref"`
		Name       string     `json:"name"`
		Version    string     `json:"version"`
		Licenses   []licensed `json:"licenses,omitempty"`
		PURL       string     `json:"purl,omitempty"`
		Properties []property `json:"properties,omitempty"`
	}
	licensed struct {
		License struct {
			ID string `json:"id"`
		} `json:"license"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	dependency struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn,omitempty"`
	}
)

// newBill writes the parts down. Its serial number comes of what it says, so
// that another bill has another number and the same one has the same.
func newBill(of release, parts []part) bill {
	app := component{
		Type: "application", Ref: "portal@" + of.version, Name: "portal", Version: of.version,
		Properties: []property{{"portal:commit", of.commit}},
	}
	b := bill{
		Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		Metadata: metadata{Timestamp: of.date, Component: app},
	}
	all := dependency{Ref: app.Ref}
	said := []string{of.version, of.commit, of.date}
	for _, p := range parts {
		b.Components = append(b.Components, p.component())
		all.DependsOn = append(all.DependsOn, p.purl)
		said = append(said, p.purl, p.sum, p.licence)
	}
	b.Dependencies = []dependency{all}
	b.SerialNumber = "urn:uuid:" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.Join(said, "\n"))).String()
	return b
}

func (p part) component() component {
	c := component{Type: "library", Ref: p.purl, Name: p.name, Version: p.version, PURL: p.purl, Licenses: make([]licensed, 1)}
	c.Licenses[0].License.ID = p.licence
	if p.released != "" {
		c.Properties = append(c.Properties, property{"portal:released", p.released})
	}
	if p.sum != "" {
		c.Properties = append(c.Properties, property{"portal:go.sum", p.sum})
	}
	return c
}
