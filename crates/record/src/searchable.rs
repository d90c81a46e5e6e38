//! What the search index wants to know of a record: by which names, numbers, countries and days it can be found.

use std::collections::BTreeSet;

use crate::body::identifiers;
use crate::codes::state_of;
use crate::date::DateSpan;
use crate::pb::{self, record::Body};
use crate::record::Record;

/// The words, numbers, countries and days of a record, as its originator wrote them; nothing is folded here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Searchable<'a> {
    /// Names of persons with their aliases, of conveyances, networks and routes, and titles of bulletins.
    pub names: Vec<&'a str>,
    /// Numbers of travel documents.
    pub document_numbers: Vec<&'a str>,
    /// IMO number, MMSI, call sign, registration, VIN.
    pub conveyance_identifiers: Vec<&'a str>,
    /// Nationalities, places, flags, issuers and listed countries, each as its state (`D` stands as `DEU`).
    pub countries: BTreeSet<&'a str>,
    /// Births of persons, times of incidents, activity of networks and routes.
    pub dates: Vec<DateSpan>,
}

impl Record {
    /// By what it can be found. A verdict by nothing: it is reached from the records that it is on.
    pub fn searchable(&self) -> Searchable<'_> {
        let mut found = Searchable::default();
        match self.body() {
            Body::Person(person) => found.person(person),
            Body::TravelDocument(document) => found.travel_document(document),
            Body::Incident(incident) => found.incident(incident),
            Body::Conveyance(conveyance) => found.conveyance(conveyance),
            Body::Network(network) => found.network(network),
            Body::Route(route) => found.route(route),
            Body::Bulletin(bulletin) => found.bulletin(bulletin),
            Body::VisaAlert(alert) => found.visa_alert(alert),
            Body::Verdict(_) => {}
        }
        found
    }
}

impl<'a> Searchable<'a> {
    fn person(&mut self, person: &'a pb::Person) {
        self.names.extend(person.names.iter().map(|name| name.text.as_str()));
        self.birth(person.birth.as_ref());
        self.place(person.place_of_birth.as_ref());
        self.countries(&person.nationalities);
        person.documents.iter().for_each(|document| self.document(&document.number, &document.issuer));
    }

    fn travel_document(&mut self, document: &'a pb::TravelDocument) {
        self.document(&document.number, &document.issuer);
        if let Some(holder) = &document.holder {
            self.names.extend(holder.name.iter().map(|name| name.text.as_str()));
            self.birth(holder.birth.as_ref());
            self.country(&holder.nationality);
        }
    }

    fn incident(&mut self, incident: &'a pb::Incident) {
        self.name(&incident.route_name);
        self.when(incident.when.as_ref());
        self.place(incident.place.as_ref());
        self.legs(&incident.legs);
        incident.counts.iter().for_each(|count| self.country(&count.nationality));
    }

    fn conveyance(&mut self, conveyance: &'a pb::Conveyance) {
        self.names.extend(conveyance.names.iter().map(String::as_str));
        self.conveyance_identifiers.extend(identifiers(conveyance).filter(|identifier| !identifier.is_empty()));
        self.country(&conveyance.flag);
    }

    fn network(&mut self, network: &'a pb::Network) {
        self.names.extend(network.names.iter().map(String::as_str));
        self.countries(&network.countries);
        self.when(network.active.as_ref());
    }

    fn route(&mut self, route: &'a pb::Route) {
        self.name(&route.name);
        self.legs(&route.legs);
        self.when(route.seen.as_ref());
    }

    fn bulletin(&mut self, bulletin: &'a pb::Bulletin) {
        self.name(&bulletin.title);
        self.countries(&bulletin.countries);
    }

    fn visa_alert(&mut self, alert: &'a pb::VisaAlert) {
        self.names.extend(alert.applicant.iter().map(|name| name.text.as_str()));
        self.birth(alert.birth.as_ref());
        self.country(&alert.nationality);
        if let Some(document) = &alert.document {
            self.document(&document.number, &document.issuer);
        }
    }

    fn name(&mut self, name: &'a str) {
        self.names.extend(Some(name).filter(|name| !name.is_empty()));
    }

    fn document(&mut self, number: &'a str, issuer: &'a str) {
        self.document_numbers.push(number);
        self.country(issuer);
    }

    fn country(&mut self, code: &'a str) {
        self.countries.extend(Some(state_of(code)).filter(|code| !code.is_empty()));
    }

    fn countries(&mut self, codes: &'a [String]) {
        codes.iter().for_each(|code| self.country(code));
    }

    fn place(&mut self, place: Option<&'a pb::Place>) {
        if let Some(place) = place {
            self.country(&place.country);
        }
    }

    fn legs(&mut self, legs: &'a [pb::RouteLeg]) {
        for leg in legs {
            self.place(leg.from.as_ref());
            self.place(leg.to.as_ref());
        }
    }

    fn birth(&mut self, birth: Option<&pb::PartialDate>) {
        self.dates.extend(birth.and_then(DateSpan::of));
    }

    fn when(&mut self, when: Option<&pb::When>) {
        self.dates.extend(when.and_then(DateSpan::of_when));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    /// Names, numbers and identifiers, countries and days of a body, each joined by a bar.
    fn check(body: Body, expected: [&str; 4]) {
        let record = Record::check(pb::Record { body: Some(body), ..sample::record() }).unwrap();
        let found = record.searchable();
        let numbers = [found.document_numbers, found.conveyance_identifiers].concat();
        let countries: Vec<&str> = found.countries.into_iter().collect();
        let dates: Vec<String> = found.dates.iter().map(|d| format!("{}..{}", d.earliest(), d.latest())).collect();
        assert_eq!([found.names.join("|"), numbers.join("|"), countries.join("|"), dates.join("|")], expected);
    }

    #[test]
    fn persons_are_found_by_all_their_names_and_documents() {
        check(Body::Person(sample::person()), ["Budi Contoh|بودي", "X1234567", "IDN|MYS", "1990-05-01..1990-05-31"]);
        check(
            Body::TravelDocument(sample::travel_document()),
            ["Budi Contoh", "C01X00T47", "DEU|IDN", "1990-01-01..1990-12-31"],
        );
        check(Body::VisaAlert(sample::visa_alert()), ["Budi Contoh", "X1234567", "GBR|IDN", "1990-05-01..1990-05-31"]);
    }

    #[test]
    fn movements_are_found_by_route_places_and_time() {
        check(Body::Incident(sample::incident()), ["Timor Sea", "", "AUS|IDN|XXA", "2023-11-14..2023-11-15"]);
        check(Body::Route(sample::route()), ["Timor Sea", "", "AUS|IDN", "2022-01-01..2023-12-31"]);
    }

    #[test]
    fn the_rest_is_found_by_what_it_is_called() {
        check(Body::Conveyance(sample::conveyance()), ["Bintang Contoh", "9074729|YBXX1", "IDN", ""]);
        check(Body::Network(sample::network()), ["Ring of Examples", "", "IDN|MYS", "2020-01-01..2020-12-31"]);
        check(Body::Bulletin(sample::bulletin()), ["Forged stamps", "", "THA", ""]);
        check(Body::Verdict(sample::verdict()), ["", "", "", ""]);
    }
}
