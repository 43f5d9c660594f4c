"""Capitalised words of notes that are not names of people or places.

The name and facility recognizers stop at these. A surname spelt like one of them is missed: the
words a coder needs are worth more than the rare Dr. Stone.
"""


def words(text: str) -> frozenset[str]:
    """The words of a text, which keeps a long list readable."""
    return frozenset(text.split())


FUNCTION_WORDS = words(
    """
    a about above after again all also although an and any are as at be because been before being
    below both but by can could did do does done due during each either few for from further given
    had has have having he her here hers him his how however i if in into is it its just last may me
    more most my no nor not now of off on once one only or other our out over own per please same
    she should since so some such than thank thanks that the their them then there these they this
    those through time to today tomorrow tonight too two under until up upon us very was we were
    what when where which while who whom why will with within without would yes yesterday you your
    """
)

ROLES = words(
    """
    admitting advanced aide anaesthetist anesthesia anesthesiologist anesthetist aprn assistant
    attending bsn caller captain cardiologist caregiver cfnp charge chief circulator clinic
    clinician cna col colleague colonel consultant consulting coordinator cosurgeon crna cytologist
    cytopathologist cytotechnologist d.o dds department director dnp do doctor doctors dpm dr drs
    educator facc facs family father fccp fellow fnp fnp-bc fnp-c frcp frcs friend guarantor
    hospitalist husband intensivist intern interventionalist jr lpn m.d madam manager master mbbs
    mbchb md member miss mister mother mph mr mrs ms msn mx nephew niece np np-c nurse nurses
    oncologist operator ordering other pa pa-c parent parents pathologist patient patients pcp
    performing ph.d pharmacist pharmacy pharmd phd physician practitioner primary proceduralist prof
    professor provider providers pt pulmonologist r.n radiologist referring registrar rendering
    resident rev reverend rn rrt rt scrub secondary self senior sergeant sgt signing sir sister son
    spouse sr staff student supervising surgeon surgeons team tech technician technologist therapist
    trainee unit ward wife
    """
)
"""Offices, family and credentials: they announce a name and are none."""

SECTIONS = words(
    """
    abdomen accession account acct addendum address admission admit admitted age allergies allergy
    anaesthesia approach apr april assessment assist attestation aug august bed billing birth blood
    brief cc chart chief clinical code codes comments comparison complaint complication
    complications condition consent consultation contact contraindications counts course cpt csn
    data date day dear dec december diagnoses diagnosis diet discharge discharged disposition dob
    dos drains dx ebl ed education electronic electronically emergency encounter equipment estimated
    exam examination fax fc feb february final findings fluids follow followup fri friday gender
    general hematology history home hpi icu id identification impression indication indications
    information instructions interpretation interval intraoperative jan january jul july jun june
    laboratory labs limitations location mar march may medical medication medications medicine micu
    mon monday mr mrn name neurologic no none normal note notes nov november number oct october
    office operation operative or orders outcome outside pacu past per ph phone plan pmh position
    positioning post postop postoperative pre precautions preop preoperative procedure procedures
    progress psh psychiatric re reason recommendation recommendations record records referral report
    reported requested results review reviewed room ros route routine rx safety sat saturday
    sedation sep sept september service services sex sheet side signature signed site social
    specimen specimens statement status study subject subjective summary sun sunday symptoms
    technique telephone test thu thur thurs thursday time title transcribed transfer treatment tue
    tues tuesday type unavailable unknown urgent via visit vitals wed wednesday wound
    """
)
"""Words of headings and forms; months and weekdays."""

CLINICAL = words(
    """
    abg ablation acute adenocarcinoma adequate aeruginosa afb airway airways alert alveolar aneurysm
    angiogram angiography anterior antibiotic antibiotics aorta aortic apc apical appendectomy argon
    arterial artery asa asthma atelectasis atrial attention aureus bal balloon basal bilateral
    biopsies biopsy bipap bladder bleeding blocker bowel brachial brain breast bronchial bronchitis
    bronchoalveolar bronchoscope bronchoscopic bronchoscopies bronchoscopy bronchus brushings bypass
    calcified cancer cannula carcinoma cardiac cardiology cardiopulmonary cardiothoracic care carina
    carinal carotid catheter catheterization cava cavity cell central cervical chemotherapy chest
    cholecystectomy chronic circulation clamp clear cold coli colon colonoscopy complete computed
    congestive convex copd coronary cough cpap cptcode critical cryo cryobiopsy cryoprobe
    cryotherapy ct culture cultures cyst cystoscopy cytology debridement debulking dental difficile
    dilatation dilation dilator discussed disease dissection distal distress dnase doppler dorsal
    drain drainage dressing duplex dyspnea ebus echo echocardiogram ecog effusion electrocautery
    electromagnetic emg emphysema empyema endobronchial endoscopic endoscopy endotracheal ent
    epidural esophagus ett evidence excision expiratory extremities extubated eye eyes failure fan
    female femoral fentanyl fev fibrinolytic fibrosis fine fistula flexible fluoroscopy forceps
    foreign fracture gastric gastroenterology gauge general gi gland granulation guide guidewire
    heart hematoma hemoptysis hemorrhage hemothorax hepatic hernia hilar hip hypertension icd ileus
    iliac incision indwelling infection infectious inferior influenzae inguinal injury inspection
    inspiratory intensive internal interventional intubated intubation ipc ir iv jirovecii joint
    kidney knee laparoscopic laparoscopy laparotomy large laryngeal laser lateral lavage left lesion
    lidocaine linear lingula liver lll lma lobe lobectomy local lower lul lumbar lung lungs lymph
    macrophages main male malignant mass mediastinal mediastinoscopy mediastinum metastatic
    midazolam middle minimal mitral moderate monitored mri mucosa mucous mucus multiple nasal
    navigation navigational neb neck needle negative nephrology neuro neurology neurosurgery nodal
    node nodes nodule nsclc obstruction obstructive oncology open ophthalmology optic oral
    orthopedic orthopedics osteoarthritis ovarian oxygen pain palliative pancreas parapneumonic
    parenchymal pathology pediatric pediatrics pelvic pelvis percutaneous performed pericardial
    peripheral peritoneal pet pigtail placement plasma pleura pleural pleurodesis pleuroscopy pleurx
    pneumonia pneumoniae pneumothorax polyp portable positive posterior prednisone probable
    procedural prophylaxis propofol prostate protected proximal psychiatry ptx pulmonary pulse
    pulses purulent pylori radial radiation radiology rapid rectal recurrent reflex removal renal
    resection respiratory retractor rhonchi rhythm rib right rigid risk risks rll rml robotic rul
    saline scan scope selective septal septic severe shortness shoulder sinus skin sleep soft
    solitary spinal spine spleen sputum squamous stable stage status stenosis stenotic stent
    stenting sternal sternum stomach streptokinase stroke subcarinal subglottic superior
    supraclavicular surgery surgical swab systemic talc tbna temperature therapeutic therapy
    thermoplasty thoracentesis thoracic thoracoscopic thoracoscopy thoracostomy thoracotomy thorax
    thyroid tissue tolerated tomography tonsil tonsillectomy topical total tpa trachea tracheal
    tracheobronchial tracheostomy transbronchial transesophageal transplant transthoracic trauma
    tube tuberculosis tubes tumor tunneled ulcer ultrasound unilateral universal upper ureteral
    urinary urine urokinase urology uterus valve valves vascular vats vein velcro venous ventilation
    ventilator ventricle ventricular versed vertebral video virtual vital vocal wash washing
    washings wedge whole wound xray
    """
)
"""Words of procedures and findings that a heading may capitalise."""

EPONYMS = words(
    """
    amplatz arndt banks best bird black borg bovie brown brush bush corkscrew cross day dumon field
    fogarty foley french glasgow gram green hand head heimlich hopkins kelly light light's long
    macintosh mallampati medtronic miller monarch montgomery north olympus page poole price rich
    rivers rod rose seldinger shiley small stone summer swan trendelenburg wang wayne wells west
    white winter wood young zephyr ziehl
    """
)
"""Surnames that also name an instrument, a score or a thing: no ground to remove them elsewhere."""

GENERIC_PLACES = words(
    """
    academic adult affiliated ambulatory area associated board cardiology center central centre
    children's city clinical college community county department district division east eastern
    facility first former foundation health healthcare inpatient institute intensive international
    local medical memorial metropolitan municipal national new north northern northwest old outlying
    outpatient private public referring regional rehabilitation research rural same satellite second
    section service south southern southwest specialist specialty state suburban teaching tertiary
    transferring university urban va valley veterans west western women's
    """
)
"""Words that many facilities share: kept in a name, no name by themselves."""

SPECIALTIES = words(
    """
    airway allergy and brain breast cancer cardiac cardiology chest children's dental diabetes
    digestive endoscopy ent eye gastroenterology general heart hematology imaging interventional ir
    joint kidney lung medical medicine mental neurology of oncology orthopaedic orthopedic
    orthopedics pain pediatric pediatrics psychiatric psychiatry pulmonary radiology respiratory
    sleep spine surgery surgical the thoracic transplant trauma urology vascular women's wound
    """
)
"""Words that a facility's name may hold and that name no facility by themselves."""

NOT_NAMES = FUNCTION_WORDS | ROLES | SECTIONS | CLINICAL | GENERIC_PLACES
