Feature: A raise that is one
  Who gets a raise gets at least a tenth more.

  Background:
    Given I add employees
      | id   | title | salary |
      | Edda | baker | 4000   |

  Scenario: A raise of a tenth
    When I change employees Edda
      | salary |
      | 4400   |
    Then employees Edda has
      | salary  |
      | 4400.00 |

  Scenario: A raise of less is refused
    When I change employees Edda
      | salary  |
      | 4399.99 |
    Then it is refused: a raise is at least a tenth: from 4000.00 to 4399.99 is none
    And employees Edda has
      | salary  |
      | 4000.00 |

  Scenario: What is no raise is not judged
    When I change employees Edda
      | title        |
      | master baker |
    And I change employees Edda
      | salary |
      | 3000   |
    And I change employees Edda
      | salary  | title |
      | 3000.00 | cook  |
    Then employees Edda has
      | salary  | title |
      | 3000.00 | cook  |

  Scenario: Nobody is hired for nothing
    When I add employees
      | id   | salary |
      | Olaf | 0      |
    Then it is refused: Olaf works for money
