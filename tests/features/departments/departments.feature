Feature: Departments
  An employee works for one department and may be on loan to another: both know what they pay.

  Background:
    Given I add departments
      | id    | budget |
      | Tea   | 10000  |
      | Lamps | 5000   |
    And I add employees
      | id   | salary | works_for | on_loan |
      | Edda | 4000   | Tea       | Lamps   |
      | Olaf | 3000   | Tea       |         |

  Scenario: One employee counts in two departments
    Then departments Tea has
      | salaries | loans | staff |
      | 7000.00  | 0.00  | 2     |
    And departments Lamps has
      | salaries | loans   | staff |
      | 0.00     | 4000.00 | 0     |

  Scenario: A raise reaches both
    When I change employees Edda
      | salary |
      | 4500   |
    Then departments Tea has
      | salaries |
      | 7500.00  |
    And departments Lamps has
      | loans   |
      | 4500.00 |

  Scenario: A raise that one of both cannot pay is refused
    When I change employees Edda
      | salary |
      | 5500   |
    Then it is refused: Lamps would pay 0.00 and 5500.00 of 5000.00
    And departments Tea has
      | salaries |
      | 7000.00  |

  Scenario: Both roles change at once
    When I change employees Edda
      | works_for | on_loan |
      | Lamps     | Tea     |
    Then departments Tea has
      | salaries | loans   | staff |
      | 3000.00  | 4000.00 | 1     |
    And departments Lamps has
      | salaries | loans | staff |
      | 4000.00  | 0.00  | 1     |

  Scenario: The same department in both roles pays twice
    When I change employees Edda
      | on_loan |
      | Tea     |
    Then it is refused: Tea would pay 7000.00 and 4000.00 of 10000.00
    When I change employees Olaf
      | on_loan |
      | Tea     |
    Then departments Tea has
      | salaries | loans   |
      | 7000.00  | 3000.00 |

  Scenario: A loan ends, an employee leaves
    When I change employees Edda
      | on_loan |
      | null    |
    Then departments Lamps has
      | loans |
      | 0.00  |
    When I remove employees Olaf
    Then departments Tea has
      | salaries | staff |
      | 4000.00  | 1     |

  Scenario: A department goes, its people stay
    When I remove departments Lamps
    Then it is refused as still-referenced
    When I remove departments Tea
    Then employees Olaf has
      | works_for |
      | null      |
    And departments Lamps has
      | loans   |
      | 4000.00 |
