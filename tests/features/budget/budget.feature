Feature: Budget
  What is spent adds up by month, quarter and year. A spending brings the periods that are not there yet.

  Background:
    Given I add years
      | id   | budget |
      | 2026 | 1000   |
    And I add spendings
      | id | year | quarter | month | amount |
      | s1 | 2026 | 1       | 2     | 100    |

  Scenario: The first spending of a month brings the month and its quarter
    Then months 2026~1~2 has
      | spent  | entries |
      | 100.00 | 1       |
    And quarters 2026~1 has
      | spent  |
      | 100.00 |
    And years 2026 has
      | spent  |
      | 100.00 |

  Scenario: The next ones add up over three levels
    When I add spendings
      | id | year | quarter | month | amount |
      | s2 | 2026 | 1       | 2     | 20.50  |
      | s3 | 2026 | 1       | 3     | 7      |
      | s4 | 2026 | 2       | 4     | 1.25   |
    Then months 2026~1~2 has
      | spent  | entries |
      | 120.50 | 2       |
    And quarters 2026~1 has
      | spent  |
      | 127.50 |
    And years 2026 has
      | spent  |
      | 128.75 |

  Scenario: A year that is not there comes with everything below it
    When I add spendings
      | id | year | quarter | month | amount |
      | s2 | 2027 | 4       | 12    | 5000   |
    Then years 2027 has
      | spent   | budget |
      | 5000.00 | null   |
    And quarters 2027~4 has
      | spent   |
      | 5000.00 |

  Scenario: A spending beyond the year's budget is refused and brings nothing
    When I add spendings
      | id | year | quarter | month | amount |
      | s2 | 2026 | 3       | 7     | 900.01 |
    Then it is refused: 1000.01 is more than the 1000.00 of 2026
    And months 2026~3~7 is gone
    And quarters 2026~3 is gone

  Scenario: A spending was in another quarter
    When I change spendings s1
      | quarter | month |
      | 4       | 11    |
    Then quarters 2026~1 has
      | spent |
      | 0.00  |
    And months 2026~4~11 has
      | spent  | entries |
      | 100.00 | 1       |
    And years 2026 has
      | spent  |
      | 100.00 |

  Scenario: A month without spendings stays, empty
    When I remove spendings s1
    Then months 2026~1~2 has
      | spent | entries |
      | 0.00  | 0       |
    And years 2026 has
      | spent |
      | 0.00  |
